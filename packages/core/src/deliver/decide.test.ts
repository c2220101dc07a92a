import type { Outcome, PostResult } from '@posthorn/sender';
import { readEnv } from '@posthorn/settings';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RETRY_AFTER_MS, decide, parseRetryAfter } from './decide.js';

const now = new Date('2026-11-21T12:00:00Z');
// The schedule of an operator who sets nothing.
const DEFAULT_WAITS_MS = readEnv({}, ['RETRY_SCHEDULE_SECONDS']).retryScheduleSeconds.map((seconds) => seconds * 1_000);
const HOUR_MS = 3_600_000;

function resultOf(statusCode: number | null, extra: Partial<PostResult> = {}): PostResult {
  const outcome: Outcome =
    statusCode === null ? 'timeout' : statusCode < 300 ? 'ok' : statusCode < 400 ? 'redirect' : 'http_error';
  return {
    outcome,
    statusCode,
    startedAt: now,
    durationMs: 5,
    timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
    remoteAddress: '127.0.0.1',
    request: null,
    responseHeaders: {},
    body: new Uint8Array(),
    bodyTruncated: false,
    bodyTooLarge: false,
    retryAfter: null,
    errorCode: null,
    error: null,
    ...extra,
  };
}
const turn = (extra: object = {}) => ({ failureCount: 0, waitsMs: DEFAULT_WAITS_MS, random: 0, now, ...extra });

describe('decide', () => {
  it('succeeds for 200–299, whatever the body', () => {
    for (const status of [200, 201, 202, 204, 226, 299])
      expect(decide(resultOf(status), turn())).toEqual({ next: 'succeeded' });
    expect(decide(resultOf(200, { bodyTooLarge: true }), turn())).toEqual({ next: 'succeeded' });
  });

  it('retries every status from 300 to 599 except 410 after the first wait', () => {
    for (let status = 300; status < 600; status += 1) {
      if (status !== 410) expect(decide(resultOf(status), turn())).toEqual({ next: 'retry', inMs: 5_000, spent: true });
    }
  });

  it('ends at once for a 410, also at the first attempt', () => {
    expect(decide(resultOf(410), turn())).toEqual({ next: 'gone' });
  });

  it('webhook-delivery: disable, if honored: a 2xx succeeds and disables, any other status is gone', () => {
    const asked = (status: number, value = 'disable', extra: Partial<PostResult> = {}) =>
      decide(
        resultOf(status, { responseHeaders: { 'webhook-delivery': value }, ...extra }),
        turn({ honorDisableHeader: true }),
      );
    for (const status of [200, 204, 299]) expect(asked(status)).toEqual({ next: 'succeeded', disable: true });
    for (const status of [302, 400, 404, 410, 429, 500, 503]) expect(asked(status)).toEqual({ next: 'gone' });
    // A response whose body then timed out counts as well.
    expect(asked(200, 'disable', { outcome: 'timeout' })).toEqual({ next: 'gone' });
    for (const value of ['Disable', ' disable ', 'x, disable']) expect(asked(500, value)).toEqual({ next: 'gone' });
    for (const value of ['', 'enable', 'disabled', 'do not disable'])
      expect(asked(500, value)).toMatchObject({ next: 'retry' });
    expect(asked(500, 'disable', { outcome: 'aborted' })).toEqual({ next: 'retry', inMs: 0, spent: false });
  });

  it('ignores webhook-delivery: disable unless it is honored', () => {
    const responseHeaders = { 'webhook-delivery': 'disable' };
    for (const extra of [{}, { honorDisableHeader: false }]) {
      expect(decide(resultOf(200, { responseHeaders }), turn(extra))).toEqual({ next: 'succeeded' });
      expect(decide(resultOf(500, { responseHeaders }), turn(extra))).toMatchObject({ next: 'retry' });
    }
  });

  it('follows the schedule without a response, whatever the reason', () => {
    for (const outcome of ['timeout', 'dns_error', 'connect_error', 'tls_error', 'blocked', 'bad_response'] as const) {
      expect(decide(resultOf(null, { outcome }), turn())).toEqual({ next: 'retry', inMs: 5_000, spent: true });
    }
  });

  it('retries an attempt that we aborted at once, without using up the schedule', () => {
    expect(decide(resultOf(null, { outcome: 'aborted' }), turn({ failureCount: 11 }))).toEqual({
      next: 'retry',
      inMs: 0,
      spent: false,
    });
  });

  it('fails after twelve attempts and eleven waits: 75 h 42 min 35 s', () => {
    const waits = Array.from({ length: 11 }, (_, failureCount) => decide(resultOf(500), turn({ failureCount })));
    expect(waits.every(({ next }) => next === 'retry')).toBe(true);
    const sumMs = waits.reduce((sum, wait) => sum + (wait.next === 'retry' ? wait.inMs : 0), 0);
    expect(sumMs).toBe(((75 * 60 + 42) * 60 + 35) * 1_000);
    expect(decide(resultOf(500), turn({ failureCount: 11 }))).toEqual({ next: 'failed' });
  });

  const schedules = fc.array(fc.integer({ min: 0, max: 604_800_000 }), { minLength: 1, maxLength: 30 });
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('property: waits each wait of any schedule, plus at most 10 %, never less; then fails after waits + 1 attempts', () => {
    fc.assert(
      fc.property(schedules, randoms, fc.constantFrom(null, 301, 404, 429, 500, 503), (waitsMs, random, status) => {
        for (const [failureCount, waitMs] of waitsMs.entries()) {
          const decision = decide(resultOf(status), turn({ waitsMs, failureCount, random }));
          if (decision.next !== 'retry') throw new Error(decision.next);
          expect(decision.inMs).toBeGreaterThanOrEqual(waitMs);
          expect(decision.inMs).toBeLessThanOrEqual(Math.ceil(waitMs * 1.1));
          expect(Number.isSafeInteger(decision.inMs)).toBe(true);
          expect(decision.spent).toBe(true);
        }
        expect(decide(resultOf(status), turn({ waitsMs, failureCount: waitsMs.length, random }))).toEqual({
          next: 'failed',
        });
      }),
    );
  });

  it('spreads a thousand simultaneous failures evenly over 10 % of the wait', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 1_000; n += 1) {
      const decision = decide(resultOf(500), turn({ waitsMs: [1_000_000], random: (n * 0.618_033_988_75) % 1 }));
      if (decision.next !== 'retry') throw new Error(decision.next);
      const tenth = Math.min(9, Math.floor((decision.inMs - 1_000_000) / 10_000));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(90);
    expect(Math.max(...tenths)).toBeLessThan(110);
  });

  it('property: a longer wait, a larger random number and a later Retry-After never make a retry earlier', () => {
    const inMs = (waitMs: number, random: number, seconds: number) => {
      const decision = decide(resultOf(503, { retryAfter: String(seconds) }), turn({ waitsMs: [waitMs], random }));
      return decision.next === 'retry' ? decision.inMs : Number.NaN;
    };
    const up = <T>(values: fc.Arbitrary<T>) =>
      fc.tuple(values, values).map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)));
    const seconds = fc.oneof(fc.nat(200_000), fc.maxSafeNat());
    fc.assert(
      fc.property(
        up(fc.nat(604_800_000)),
        up(randoms),
        up(seconds),
        ([wait, longer], [random, larger], [after, later]) => {
          const before = inMs(wait, random, after);
          expect(inMs(longer, random, after)).toBeGreaterThanOrEqual(before);
          expect(inMs(wait, larger, after)).toBeGreaterThanOrEqual(before);
          expect(inMs(wait, random, later)).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });

  it('property: Retry-After, whatever its value, only delays, by 24 h at most, and only on 429 and 503', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.nat(200_000).map(String),
      fc.stringMatching(/^\d{1,400}$/),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 599 }),
        texts,
        fc.nat(604_800_000),
        randoms,
        (status, retryAfter, waitMs, random) => {
          fc.pre(status !== 410);
          const bare = decide(resultOf(status), turn({ waitsMs: [waitMs], random }));
          const asked = decide(resultOf(status, { retryAfter }), turn({ waitsMs: [waitMs], random }));
          if (bare.next !== 'retry' || asked.next !== 'retry') throw new Error('no retry');
          expect(asked.inMs).toBeGreaterThanOrEqual(bare.inMs);
          expect(asked.inMs).toBeLessThanOrEqual(Math.max(bare.inMs, MAX_RETRY_AFTER_MS));
          if (status !== 429 && status !== 503) expect(asked).toEqual(bare);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('honors Retry-After on 429 and 503 only, as a minimum, up to 24 h', () => {
    const inMs = (statusCode: number, retryAfter: string, failureCount = 0) => {
      const decision = decide(resultOf(statusCode, { retryAfter }), turn({ failureCount }));
      return decision.next === 'retry' ? decision.inMs : decision.next;
    };
    expect(inMs(429, '120')).toBe(120_000);
    expect(inMs(503, '120')).toBe(120_000);
    expect(inMs(500, '120')).toBe(5_000);
    expect(inMs(429, '1', 3)).toBe(600_000); // the schedule's 10 min are later
    expect(inMs(429, '999999999')).toBe(MAX_RETRY_AFTER_MS);
    expect(inMs(429, 'Sat, 21 Nov 2026 14:00:00 GMT')).toBe(2 * HOUR_MS);
    expect(inMs(429, '120', 11)).toBe('failed'); // no wait is left
    expect(decide(resultOf(429, { retryAfter: null }), turn())).toEqual({ next: 'retry', inMs: 5_000, spent: true });
  });
});

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
    ['Sat Nov 21 12:00:30 2026', 30_000],
    ['Sat Nov  7 12:00:30 2026', null], // past
    ['Saturday, 21-Nov-94 12:00:30 GMT', null], // 1994, not 2094
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
    ['2026-11-21T14:00:00Z', null],
    ['120, 120', null],
  ])('%j is %j', (text, expected) => {
    expect(parseRetryAfter(text, now)).toBe(expected);
  });

  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  /** The three forms of RFC 9110 §5.6.7. */
  const FORMS: Record<string, (date: Date) => string> = {
    'IMF-fixdate': (date) => date.toUTCString(),
    'RFC 850': (date) => {
      const [, day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ');
      return `${DAYS[date.getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${time} GMT`;
    },
    asctime: (date) => {
      const [name = '', day, month = '', year = '', time = ''] = date.toUTCString().split(' ');
      return `${name.slice(0, 3)} ${month} ${String(Number(day)).padStart(2, ' ')} ${time} ${year}`;
    },
  };

  it.each(Object.keys(FORMS))('property: parses a future date, written as %s, to the second', (form) => {
    const most = 40 * 365 * 86_400; // two digits of a year cover at most 50 years
    fc.assert(
      fc.property(fc.integer({ min: 1, max: most }), (seconds) => {
        const text = FORMS[form]?.(new Date(now.getTime() + seconds * 1_000)) ?? '';
        expect([text, parseRetryAfter(text, now)]).toEqual([text, seconds * 1_000]);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: most }), (seconds) => {
        expect(parseRetryAfter(FORMS[form]?.(new Date(now.getTime() - seconds * 1_000)) ?? '', now)).toBeNull();
      }),
    );
  });

  it('property: parses seconds as they are, returns null for any other form, and never a negative number or NaN', () => {
    fc.assert(fc.property(fc.nat(), (seconds) => parseRetryAfter(String(seconds), now) === seconds * 1_000));
    const near = fc
      .tuple(
        fc.constantFrom(...Object.values(FORMS)),
        fc.date({ noInvalidDate: true }),
        fc.nat(30),
        fc.string({ minLength: 1 }),
      )
      .map(([write, date, at, junk]) => write(date).slice(0, at) + junk + write(date).slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near, fc.stringMatching(/^[-+]?\d*\.?\d+e?\d*$/)), (text) => {
        const waitMs = parseRetryAfter(text, now);
        if (waitMs === null) return;
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(text).toMatch(/^\d+$|^[A-Z].* GMT$|^[A-Z][a-z]{2} [A-Z][a-z]{2} .*\d{4}$/);
      }),
      { numRuns: 1_000 },
    );
  });
});
