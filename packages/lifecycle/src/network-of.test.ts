import { describe, expect, test } from 'vitest';
import { networkOf } from './network-of.js';

describe('networkOf', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::99', '2001:db8:1:2::/64'],
    ['2001:db8::99', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:0DB8:0001:2::99', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::99]:443', '2001:db8:1:2::/64'],
    ['203.0.113.9:5678', '203.0.113.9'],
    ['garbage-1', 'unknown'],
    ['', 'unknown'],
  ])('%s counts as %s', (address, caller) => {
    expect(networkOf(address)).toBe(caller);
  });
});
