import { describe, expect, test } from 'vitest';
import { countFailedLogins } from './failed-logins.js';

function tenPerMinute() {
  const clock = { now: 0 };
  return { clock, logins: countFailedLogins({ limit: 10, windowMs: 60_000, now: () => clock.now }) };
}

describe('countFailedLogins', () => {
  test('refuses the eleventh wrong password until the first of the ten is a minute old', () => {
    const { clock, logins } = tenPerMinute();
    for (clock.now = 0; clock.now < 10_000; clock.now += 1000) {
      expect(logins.waitMs('joe')).toBe(0);
      logins.add('joe');
    }
    expect(logins.waitMs('joe')).toBe(50_000);
    clock.now = 60_000;
    expect(logins.waitMs('joe')).toBe(0);
    logins.add('joe');
    expect(logins.waitMs('joe')).toBe(1000);
  });

  test('counts each caller separately, and resets the count after a success', () => {
    const { logins } = tenPerMinute();
    for (let attempts = 0; attempts < 10; attempts += 1) logins.add('joe');
    expect(logins.waitMs('alex')).toBe(0);
    logins.clear('joe');
    expect(logins.waitMs('joe')).toBe(0);
  });

  test('remembers at most ten thousand callers, and keeps the recent ones', () => {
    const { logins } = tenPerMinute();
    for (let attempts = 0; attempts < 10; attempts += 1) logins.add('first');
    for (let caller = 0; caller < 10_000; caller += 1) logins.add(`caller ${caller}`);
    for (let attempts = 0; attempts < 10; attempts += 1) logins.add('last');
    expect(logins.waitMs('first')).toBe(0);
    expect(logins.waitMs('last')).toBeGreaterThan(0);
  });
});
