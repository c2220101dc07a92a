import type { PostResult } from '@posthorn/sender';

/** What follows from an attempt. record-attempts.ts applies it. */
export type Decision =
  /** disable: delivered, and the endpoint requested no more events. */
  | { next: 'succeeded'; disable?: true }
  | { next: 'retry'; inMs: number; spent: boolean }
  | { next: 'failed' }
  | { next: 'gone' };

export interface Turn {
  /** Waits of the schedule that are used up: 0 at the first attempt. */
  failureCount: number;
  /** The wait after each failure. */
  waitsMs: readonly number[];
  /** 0 ≤ random < 1. */
  random: number;
  /** When the response arrived. */
  now: Date;
  /** Whether a response header may disable the subscription, like status 410. Default: false. */
  honorDisableHeader?: boolean;
}

export const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000;

// ok (2xx)                          succeeded
// aborted (we are shutting down)    retry now; uses up no attempt, because the endpoint did not fail
// 410                               gone: failed, and the subscription is disabled
// `webhook-delivery: disable`       if honored: a 2xx succeeds, any other status is gone; the subscription
//                                   is disabled either way
// anything else                     retry after waitsMs[failureCount] plus 0–10 %, never before Retry-After;
//                                   without a wait left: failed
/** Pure. Returns what an attempt's result means for its delivery. */
export function decide(
  result: PostResult,
  { failureCount, waitsMs, random, now, honorDisableHeader = false }: Turn,
): Decision {
  const disables = honorDisableHeader && requestsDisabling(result);
  if (result.outcome === 'ok') return disables ? { next: 'succeeded', disable: true } : { next: 'succeeded' };
  if (result.outcome === 'aborted') return { next: 'retry', inMs: 0, spent: false };
  if (result.statusCode === 410 || disables) return { next: 'gone' };
  const waitMs = waitsMs[failureCount];
  if (waitMs === undefined) return { next: 'failed' };
  const jittered = Math.round(waitMs * (1 + random * 0.1));
  return { next: 'retry', inMs: Math.max(jittered, retryAfterMs(result, now)), spent: true };
}

/** undici joins the values of a repeated header with commas. */
function requestsDisabling({ responseHeaders }: PostResult): boolean {
  const values = responseHeaders?.['webhook-delivery']?.split(',') ?? [];
  return values.some((value) => value.trim().toLowerCase() === 'disable');
}

/** Returns the wait in Retry-After, on 429 and 503 only; 0 if it is missing or invalid. It can only delay the retry. */
function retryAfterMs({ statusCode, retryAfter }: PostResult, now: Date): number {
  if ((statusCode !== 429 && statusCode !== 503) || retryAfter === null) return 0;
  return Math.min(parseRetryAfter(retryAfter, now) ?? 0, MAX_RETRY_AFTER_MS);
}

// RFC 9110 §10.2.3: whole seconds, or an HTTP date (§5.6.7) in one of three forms, two of them obsolete. Match the form
// before parsing, because `new Date('-5')` is a valid date of the year 2001.
const SECONDS = /^\d+$/;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^([A-Z][a-z]+day), (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;

/** Returns milliseconds from `now`; null if the text is invalid or the time is in the past. */
export function parseRetryAfter(text: string, now: Date): number | null {
  if (SECONDS.test(text)) return Number(text) * 1_000;
  const date = parseHttpDate(text, now);
  if (date === null || Number.isNaN(date)) return null;
  return date > now.getTime() ? date - now.getTime() : null;
}

function parseHttpDate(text: string, now: Date): number | null {
  if (IMF_FIXDATE.test(text)) return Date.parse(text);
  const rfc850 = RFC_850.exec(text);
  if (rfc850) {
    const [, , day, month, twoDigits, time] = rfc850;
    // RFC 9110 §5.6.7: a two-digit year more than 50 years ahead means the most recent past year with those digits.
    const century = Math.floor(now.getUTCFullYear() / 100) * 100;
    const year = century + Number(twoDigits);
    return Date.parse(`${day} ${month} ${year > now.getUTCFullYear() + 50 ? year - 100 : year} ${time} GMT`);
  }
  const asctime = ASCTIME.exec(text);
  if (asctime) {
    const [, month, day, time, year] = asctime;
    return Date.parse(`${day} ${month} ${year} ${time} GMT`);
  }
  return null;
}
