import { describe, expect, it } from 'vitest';
import { clockTime, momentOf, shortTime, wholeTime } from './zone.js';

describe('times in a zone', () => {
  it('are exact to the second, with the zone', () => {
    expect(wholeTime('2026-07-01T12:00:05.400Z', 'UTC')).toBe('1 Jul 2026, 12:00:05 UTC');
    expect(wholeTime('2026-07-01T12:00:05.400Z', 'Asia/Kolkata')).toMatch(/^1 Jul 2026, 17:30:05 /);
    expect(shortTime('2026-07-01T23:30:00Z', 'Europe/Berlin')).toBe('2 Jul 2026, 01:30');
  });

  it.each([
    ['UTC', '2026-07-01T12:00:00.000Z', '2026-07-01T12:00'],
    ['Europe/Berlin', '2026-07-01T12:00:00.000Z', '2026-07-01T14:00'],
    ['Europe/Berlin', '2026-12-01T12:00:00.000Z', '2026-12-01T13:00'],
    ['America/St_Johns', '2026-12-01T00:10:00.000Z', '2026-11-30T20:40'],
    // Just before and just after the clocks are set forward, and back.
    ['Europe/Berlin', '2026-03-29T00:59:00.000Z', '2026-03-29T01:59'],
    ['Europe/Berlin', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00'],
    ['Europe/Berlin', '2026-10-25T02:00:00.000Z', '2026-10-25T03:00'],
    ['Pacific/Auckland', '2026-04-04T13:00:00.000Z', '2026-04-05T02:00'],
  ])('in %s, %s is %s on the clocks, and back', (zone, at, clock) => {
    expect(clockTime(at, zone)).toBe(clock);
    expect(Math.abs(Date.parse(momentOf(clock, zone)) - Date.parse(at))).toBeLessThanOrEqual(
      zone === 'Pacific/Auckland' ? 3_600_000 : 0,
    );
  });

  it('are empty for a text that is not a time', () => {
    expect([clockTime('', 'UTC'), momentOf('', 'Europe/Berlin')]).toEqual(['', '']);
  });
});
