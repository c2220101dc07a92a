import type { Outcome, PostResult } from '@posthorn/sender';
import { readEnv } from '@posthorn/settings';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ASKED_WAIT_MS, decide, parseRetryAfter } from './decide.js';

const now = new Date('2026-11-21T12:00:00Z');
// What an operator who sets nothing gets.
const DEFAULT_WAITS_MS = readEnv({}, ['RETRY_SCHEDULE_SECONDS']).retryScheduleSeconds.map((seconds) => seconds * 1_000);
const HOUR_MS = 3_600_000;

function answered(statusCode: number | null, extra: Partial<PostResult> = {}): PostResult {
  const outcome: Outcome =
    statusCode === null ? 'timeout' : statusCode < 300 ? 'ok' : statusCode < 400 ? 'redirect' : 'http_error';
  return {
    outcome,
    statusCode,
    startedAt: now,
    durationMs: 5,
    timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
    remoteAddress: '127.0.0.1',
    requestHeaders: {},
    responseHeaders: {},
    body: new Uint8Array(),
    bodyTruncated: false,
    bodyTooLarge: false,
    retryAfter: null,
    error: null,
    ...extra,
  };
}
const turn = (extra: object = {}) => ({ failureCount: 0, waitsMs: DEFAULT_WAITS_MS, random: 0, now, ...extra });

describe('decide', () => {
  it('the status decides: 200–299 succeed, whatever the body is', () => {
    for (const status of [200, 201, 202, 204, 226, 299])
      expect(decide(answered(status), turn())).toEqual({ next: 'succeeded' });
    expect(decide(answered(200, { bodyTooLarge: true }), turn())).toEqual({ next: 'succeeded' });
  });

  it('every status from 300 to 599 but 410 is tried again after the first wait', () => {
    for (let status = 300; status < 600; status += 1) {
      if (status !== 410) expect(decide(answered(status), turn())).toEqual({ next: 'retry', inMs: 5_000, spent: true });
    }
  });

  it('410 ends it at once, also at the first attempt', () => {
    expect(decide(answered(410), turn())).toEqual({ next: 'gone' });
  });

  it('webhook-delivery: disable, honored: a 2xx succeeds and disables, any other answer is gone', () => {
    const asked = (status: number, value = 'disable', extra: Partial<PostResult> = {}) =>
      decide(
        answered(status, { responseHeaders: { 'webhook-delivery': value }, ...extra }),
        turn({ honorDisableHeader: true }),
      );
    for (const status of [200, 204, 299]) expect(asked(status)).toEqual({ next: 'succeeded', disable: true });
    for (const status of [302, 400, 404, 410, 429, 500, 503]) expect(asked(status)).toEqual({ next: 'gone' });
    // An answer whose body then took too long has said it, too.
    expect(asked(200, 'disable', { outcome: 'timeout' })).toEqual({ next: 'gone' });
    for (const value of ['Disable', ' disable ', 'x, disable']) expect(asked(500, value)).toEqual({ next: 'gone' });
    for (const value of ['', 'enable', 'disabled', 'do not disable'])
      expect(asked(500, value)).toMatchObject({ next: 'retry' });
    expect(asked(500, 'disable', { outcome: 'aborted' })).toEqual({ next: 'retry', inMs: 0, spent: false });
  });

  it('webhook-delivery: disable means nothing unless it is honored', () => {
    const responseHeaders = { 'webhook-delivery': 'disable' };
    for (const extra of [{}, { honorDisableHeader: false }]) {
      expect(decide(answered(200, { responseHeaders }), turn(extra))).toEqual({ next: 'succeeded' });
      expect(decide(answered(500, { responseHeaders }), turn(extra))).toMatchObject({ next: 'retry' });
    }
  });

  it('no answer at all follows the schedule, whatever the reason', () => {
    for (const outcome of ['timeout', 'dns_error', 'connect_error', 'tls_error', 'blocked', 'bad_response'] as const) {
      expect(decide(answered(null, { outcome }), turn())).toEqual({ next: 'retry', inMs: 5_000, spent: true });
    }
  });

  it('what we aborted is tried again at once and spends nothing of the schedule', () => {
    expect(decide(answered(null, { outcome: 'aborted' }), turn({ failureCount: 11 }))).toEqual({
      next: 'retry',
      inMs: 0,
      spent: false,
    });
  });

  it('the twelfth failure fails the delivery: eleven waits, twelve attempts, 75 h 42 min 35 s', () => {
    const waits = Array.from({ length: 11 }, (_, failureCount) => decide(answered(500), turn({ failureCount })));
    expect(waits.every(({ next }) => next === 'retry')).toBe(true);
    const sumMs = waits.reduce((sum, wait) => sum + (wait.next === 'retry' ? wait.inMs : 0), 0);
    expect(sumMs).toBe(((75 * 60 + 42) * 60 + 35) * 1_000);
    expect(decide(answered(500), turn({ failureCount: 11 }))).toEqual({ next: 'failed' });
  });

  it('jitter only ever adds: no wait is early, none is more than 10 % late', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (failureCount, random) => {
          const decision = decide(answered(503), turn({ failureCount, random }));
          const waitMs = DEFAULT_WAITS_MS[failureCount] ?? 0;
          expect(decision.next).toBe('retry');
          if (decision.next !== 'retry') return;
          expect(decision.inMs).toBeGreaterThanOrEqual(waitMs);
          expect(decision.inMs).toBeLessThanOrEqual(waitMs * 1.1 + 1);
        },
      ),
    );
  });

  it('Retry-After counts on 429 and 503 only, delays and never hastens, and is capped at 24 h', () => {
    const inMs = (statusCode: number, retryAfter: string, failureCount = 0) => {
      const decision = decide(answered(statusCode, { retryAfter }), turn({ failureCount }));
      return decision.next === 'retry' ? decision.inMs : decision.next;
    };
    expect(inMs(429, '120')).toBe(120_000);
    expect(inMs(503, '120')).toBe(120_000);
    expect(inMs(500, '120')).toBe(5_000);
    expect(inMs(429, '1', 3)).toBe(600_000); // the schedule's 10 min are later
    expect(inMs(429, '999999999')).toBe(MAX_ASKED_WAIT_MS);
    expect(inMs(429, 'Sat, 21 Nov 2026 14:00:00 GMT')).toBe(2 * HOUR_MS);
    expect(inMs(429, '120', 11)).toBe('failed'); // nothing left to wait for
    expect(decide(answered(429, { retryAfter: null }), turn())).toEqual({ next: 'retry', inMs: 5_000, spent: true });
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

  it('never throws and never answers a negative wait, whatever stands there', () => {
    fc.assert(fc.property(fc.string(), (text) => (parseRetryAfter(text, now) ?? 0) >= 0));
  });
});
