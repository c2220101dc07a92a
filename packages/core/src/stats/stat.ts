// Statistics count everything, whatever caused it: a test event is an event, and its attempts are attempts, like those
// of a replay or a manual retry. Verifications do not count. Counts never change: a delivery that failed, was replayed
// and succeeded counts as both.
//
//   column of stats      counts                                                         of a subscription too
//   accepted             events that were stored                                        no
//   <outcome>            attempts, by outcome                                           yes
//   ms_<bucket>          attempts by duration; not `aborted`, `blocked`, `auth_error`   yes
//   succeeded, failed    deliveries that an attempt ended with this status              yes
//
// A row belongs to an account, event type, status code (0: none), and minute or hour; subscriptions only have hours.
// All accounts together have rows, too.
//
// The time is the database's when the statement writes it. Hot statement → stat_deltas → (fold-stats.ts) → stats. A
// reader adds stats and unfolded deltas in one statement, so numbers are always current.

/** SQL: the minute in which the statement runs. */
export const THIS_MINUTE = `date_bin('1 minute', now(), 'epoch')`;

/** Buckets per doubling of the duration. */
const PER_OCTAVE = 4;
/** Starts at 111 s. No attempt may take longer than 120 s (DELIVERY_TIMEOUT_MS). */
export const LAST_BUCKET = 68;
/** SQL: bucket n has durations above 2^((n-1)/4) ms, up to 2^(n/4) ms; bucket 0 those up to 1 ms, the last one all
 *  longer ones. */
export const DURATION_BUCKET = `CASE WHEN outcome NOT IN ('aborted', 'blocked', 'auth_error')
  THEN least(${LAST_BUCKET}, ceil(${PER_OCTAVE} * ln(greatest(duration_ms, 1)::float8) / ln(2::float8) - 1e-9))::smallint END`;

/** Returns the representative duration of a bucket in milliseconds: within 9 % and half a millisecond of every
 *  duration in it. */
export function bucketMs(bucket: number): number {
  const high = 2 ** (bucket / PER_OCTAVE);
  const low = bucket === 0 ? high : 2 ** ((bucket - 1) / PER_OCTAVE);
  return Math.round((2 * low * high) / (low + high));
}

/** Returns the duration that a share of all attempts (0.95) does not exceed; null without attempts. `counts` is by
 *  bucket. */
export function percentileMs(counts: Map<number, number>, share: number): number | null {
  const sorted = [...counts].toSorted(([a], [b]) => a - b);
  const wanted = Math.ceil(share * sorted.reduce((sum, [, count]) => sum + count, 0));
  let passed = 0;
  for (const [bucket, count] of sorted) {
    passed += count;
    if (passed >= wanted) return bucketMs(bucket);
  }
  return null;
}

/** Stands for all accounts together. */
export const ALL_ACCOUNTS = '';
/** Stands for all subscriptions of the account. */
export const ALL_SUBSCRIPTIONS = '00000000-0000-0000-0000-000000000000';
