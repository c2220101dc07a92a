import type pg from 'pg';
import { type Counts, countsOf, groupBy } from './counts.js';
import { ALL_ACCOUNTS, ALL_SUBSCRIPTIONS, KINDS } from './stat.js';

export interface StatsWanted {
  /** null: all accounts. */
  accountId: string | null;
  /** One of the account's; null: all of them. */
  subscriptionId: string | null;
  /** null: every type. */
  eventType: string | null;
  /** The first moment that counts, and the first that does not: whole buckets apart. */
  from: Date;
  to: Date;
  /** Whole minutes. Below an hour only the last days are known (drop-old-stats.ts). */
  bucketMs: number;
}

export interface Period {
  totals: Counts;
  byEventType: Map<string, Counts>;
}

export interface StatsRead {
  current: Period;
  /** As long, right before it. */
  previous: Period;
  /** One for each, also where nothing happened. */
  buckets: { at: Date; counts: Counts }[];
}

const HOUR_MS = 60 * 60 * 1_000;

// Both halves in one statement, and so of one moment: a delta is either folded or not. Leans on stats' key; stat_deltas is read
// as a whole, it has what happened within the last seconds.
// bucket: from 0, -1 of the time before · event_type null: all together (bucket null: the whole time).
const READ = `
WITH found AS (
  SELECT s.at, s.event_type, k.key AS kind, k.value::bigint AS count
  FROM stats s CROSS JOIN LATERAL jsonb_each_text(s.counts) k
  WHERE s.width = $1::stat_width AND s.account_id = $2 AND s.subscription_id = $3 AND s.at >= $4::timestamptz AND s.at < $6::timestamptz
    AND ($7::text IS NULL OR s.event_type = $7)
  UNION ALL
  SELECT d.at, d.event_type, k.kind, d.count
  FROM stat_deltas d CROSS JOIN ${KINDS}
  WHERE ($2 = '${ALL_ACCOUNTS}' OR d.account_id = $2) AND ($3 = '${ALL_SUBSCRIPTIONS}'::uuid OR d.subscription_id = $3)
    AND d.at >= $4 AND d.at < $6 AND ($7 IS NULL OR d.event_type = $7)
),
placed AS (
  SELECT CASE WHEN at < $5::timestamptz THEN -1 ELSE floor(extract(epoch FROM at - $5) * 1000 / $8::bigint)::int END AS bucket,
    at >= $5 AS "isCurrent", event_type, kind, count
  FROM found
)
SELECT "isCurrent", bucket, event_type AS "eventType", kind, sum(count)::float8 AS count
FROM placed GROUP BY GROUPING SETS (("isCurrent", bucket, kind), ("isCurrent", event_type, kind))`;

interface Row {
  isCurrent: boolean;
  bucket: number | null;
  eventType: string | null;
  kind: string;
  count: number;
}

/** What happened in a time, in each of its buckets, and in the time before. Right to the last committed attempt. */
export async function readStats(pool: pg.Pool, wanted: StatsWanted): Promise<StatsRead> {
  const { accountId, subscriptionId, eventType, from, to, bucketMs } = wanted;
  const before = new Date(from.getTime() - (to.getTime() - from.getTime()));
  const { rows } = await pool.query<Row>({
    name: 'read-stats',
    text: READ,
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
