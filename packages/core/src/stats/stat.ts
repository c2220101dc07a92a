// Statistics count what there is, whoever caused it: a test event is an event, and its attempts are attempts, like those of a
// replay or of a person's retry. Verifications do not count. A count never changes afterwards: a delivery that failed, was replayed and
// then succeeded counts for both.
//
//   column of stats      counts                                                         of a subscription too
//   accepted             events that were stored                                        no: an event is the account's
//   <outcome>            attempts, by outcome                                           yes
//   ms_<bucket>          attempts by how long they took; not `aborted`, not `blocked`   yes
//   succeeded, failed    deliveries that an attempt ended so                            yes
//
// A row is of one account, type of event, status code (0: without), and minute or hour; of a subscription there are only hours. All
// accounts together have rows too.
//
// The moment is that of the database when the statement writes it. Hot statement → stat_deltas → (fold-stats.ts) → stats. A reader adds up
// stats and what is not folded yet, in one statement, so a number is right at once.

/** SQL: the minute that a statement runs in. */
export const THIS_MINUTE = `date_bin('1 minute', now(), 'epoch')`;

/** Buckets to a doubling. */
const PER_OCTAVE = 4;
/** Begins at 111 s; no attempt may take longer than 120 s (DELIVERY_TIMEOUT_MS). */
export const LAST_BUCKET = 68;
/** SQL: bucket n has the durations above 2^((n-1)/4) ms, up to 2^(n/4) ms; bucket 0 those up to 1 ms, the last one all above it. */
export const DURATION_BUCKET = `CASE WHEN outcome NOT IN ('aborted', 'blocked')
  THEN least(${LAST_BUCKET}, ceil(${PER_OCTAVE} * ln(greatest(duration_ms, 1)::float8) / ln(2::float8) - 1e-9))::smallint END`;

/** What a bucket stands for, in milliseconds: never more than 9 % (and half a millisecond) from any duration in it. */
export function bucketMs(bucket: number): number {
  const high = 2 ** (bucket / PER_OCTAVE);
  const low = bucket === 0 ? high : 2 ** ((bucket - 1) / PER_OCTAVE);
  return Math.round((2 * low * high) / (low + high));
}

/** The duration that a share of all (0.95) is not longer than; null of none. `counts` by bucket. */
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

/** In place of an account: all together. */
export const ALL_ACCOUNTS = '';
/** In place of a subscription: all of the account. */
export const ALL_SUBSCRIPTIONS = '00000000-0000-0000-0000-000000000000';
