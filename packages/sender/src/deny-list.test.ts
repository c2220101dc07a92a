import { describe, expect, it } from 'vitest';
import { parseDenyList } from './deny-list.js';

describe('parseDenyList', () => {
  it('a denied IPv4 network covers the IPv6 addresses that contain its addresses', () => {
    const list = parseDenyList('203.0.114.0/24');
    const denied = [
      '203.0.114.7',
      '::ffff:203.0.114.7',
      '::ffff:cb00:7207',
      '::203.0.114.7',
      '::ffff:0:203.0.114.7',
      '64:ff9b::203.0.114.7',
      '2002:cb00:7207::1',
    ];
    expect(denied.filter((address) => !list.hasAddress(address))).toEqual([]);
    expect(['203.0.115.7', '::ffff:203.0.115.7', '2a00::1'].filter(list.hasAddress)).toEqual([]);
  });

  it('a denied mapped network covers the IPv4 addresses in it; a denied ::/0 covers only IPv6', () => {
    expect(parseDenyList('::ffff:10.0.0.0/104').hasAddress('10.1.2.3')).toBe(true);
    expect(parseDenyList('::ffff:10.0.0.0/104').hasAddress('11.1.2.3')).toBe(false);
    expect(parseDenyList('::/0').hasAddress('2a00::1')).toBe(true);
    expect(parseDenyList('::/0').hasAddress('10.1.2.3')).toBe(false);
    expect(parseDenyList('0.0.0.0/0').hasAddress('2a00::1')).toBe(false);
  });

  it('covers listed names, and names below a wildcard', () => {
    const list = parseDenyList('intranet.example.com,*.corp.example.com');
    expect(['intranet.example.com', 'a.b.corp.example.com'].map(list.hasName)).toEqual([true, true]);
    expect(['example.com', 'corp.example.com', 'a.intranet.example.com'].map(list.hasName)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('denies nothing by default', () => {
    const list = parseDenyList('none');
    expect([list.hasAddress('127.0.0.1'), list.hasAddress('::1'), list.hasName('none')]).toEqual([false, false, false]);
  });
});
