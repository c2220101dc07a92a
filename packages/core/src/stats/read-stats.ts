import type pg from 'pg';
import { COUNT_DELTAS, COUNTERS, sumOfCounters } from './counters.js';
import { type CountRow, type Counts, countsOf, groupBy } from './counts.js';
import { ALL_ACCOUNTS, ALL_SUBSCRIPTIONS } from './stat.js';

export interface StatsWanted {
  /** null: all accounts. */
  accountId: string | null;
  /** A subscription of the account; null: all. */
  subscriptionId: string | null;
  /** null: every type. */
  eventType: string | null;
  /** The period, a whole number of buckets: from `from` to before `until`. */
  from: Date;
  to: Date;
  /** A whole number of minutes. Less than an hour works only for the last days (drop-old-stats.ts) and not for a
   *  subscription. */
  bucketMs: number;
}

export interface Period {
  totals: Counts;
  byEventType: Map<string, Counts>;
}

export interface StatsRead {
  current: Period;
  /** The period of the same length right before it. */
  previous: Period;
  /** One entry per bucket, including empty ones. */
  buckets: { at: Date; counts: Counts }[];
}

const HOUR_MS = 60 * 60 * 1_000;

// One statement reads both tables at one moment, so a delta counts exactly once. Uses the key of stats. It reads the
// account's partition of stat_deltas, or all partitions: they contain the last seconds.
// bucket: from 0; -1 is the previous period · event_type null: all together (bucket null: the whole period).
const readSql = (deltas: string): string => `
WITH found AS (
  SELECT at, event_type, status_code, ${COUNTERS} FROM stats
  WHERE width = $1::stat_width AND account_id = $2 AND subscription_id = $3 AND at >= $4::timestamptz AND at < $6::timestamptz
    AND ($7::text IS NULL OR event_type = $7)
  UNION ALL
  SELECT d.at, d.event_type, coalesce(d.status_code, 0), ${COUNT_DELTAS} FROM stat_deltas d
  WHERE ${deltas} AND ($3 = '${ALL_SUBSCRIPTIONS}'::uuid OR d.subscription_id = $3)
    AND d.at >= $4 AND d.at < $6 AND ($7 IS NULL OR d.event_type = $7)
  GROUP BY 1, 2, 3
),
placed AS (
  SELECT *, CASE WHEN at < $5::timestamptz THEN -1 ELSE floor(extract(epoch FROM at - $5) * 1000 / $8::bigint)::int END AS bucket,
    at >= $5 AS "isCurrent"
  FROM found
)
SELECT "isCurrent", bucket, event_type AS "eventType", status_code AS "statusCode", ${sumOfCounters('float8')}
FROM placed GROUP BY GROUPING SETS (("isCurrent", bucket, status_code), ("isCurrent", event_type, status_code))`;

const READ_ACCOUNT = readSql('posthorn_shard(d.account_id) = posthorn_shard($2) AND d.account_id = $2');
const READ_ALL = readSql('true');

interface Row extends CountRow {
  isCurrent: boolean;
  bucket: number | null;
  eventType: string | null;
}

/** Returns the counts of a period, of each bucket, and of the previous period. Includes the last committed attempt. */
export async function readStats(pool: pg.Pool, wanted: StatsWanted): Promise<StatsRead> {
  const { accountId, subscriptionId, eventType, from, to, bucketMs } = wanted;
  const before = new Date(from.getTime() - (to.getTime() - from.getTime()));
  const { rows } = await pool.query<Row>({
    ...(accountId === null ? { name: 'read-all-stats', text: READ_ALL } : { name: 'read-stats', text: READ_ACCOUNT }),
    values: [
      bucketMs < HOUR_MS ? 'minute' : 'hour',
      accountId ?? ALL_ACCOUNTS,
      subscriptionId ?? ALL_SUBSCRIPTIONS,
      before,
      from,
      to,
      eventType,
      bucketMs,
    ],
  });
  const period = (isCurrent: boolean): Period => {
    const ofIt = rows.filter((row) => row.isCurrent === isCurrent);
    const ofTypes = groupBy(ofIt, (row) => row.eventType);
    const totals = countsOf(ofTypes.get(null) ?? []);
    ofTypes.delete(null);
    return { totals, byEventType: new Map([...ofTypes].map(([type, found]) => [type ?? '', countsOf(found)])) };
  };
  const byBucket = groupBy(rows, ({ bucket }) => bucket);
  const buckets = Array.from({ length: (to.getTime() - from.getTime()) / bucketMs }, (_, index) => ({
    at: new Date(from.getTime() + index * bucketMs),
    counts: countsOf(byBucket.get(index) ?? []),
  }));
  return { current: period(true), previous: period(false), buckets };
}
