import type pg from 'pg';
import type { AttemptOutcome, AttemptTrigger, DeliveryStatus } from '../generated/prisma/client.js';
import { inIdOrder } from '../look-up.js';
import { COUNT_DELTAS, COUNTERS, sumOfCounters } from './counters.js';
import { type CountRow, type Counts, countsOf, groupBy } from './counts.js';
import { ALL_SUBSCRIPTIONS } from './stat.js';

/** Counts of the current hour and the 23 before it. */
export interface Day {
  counts: Counts;
  /** Counts by hour, the oldest first: always 24 entries. Attempts are counted by outcome only. */
  hours: { at: Date; byOutcome: Counts['byOutcome'] }[];
}

const HOUR_MS = 60 * 60 * 1_000;
const HOURS = 24;

/** SQL: the rows `t` of stats (a row of an account has zeros as its subscription) and of stat_deltas. `hour` null:
 *  all 24 hours. */
const readSql = (id: string, { stats, deltas }: { stats: string; deltas: string }): string => `
WITH found AS (
  SELECT ${id} AS id, at, status_code, ${COUNTERS} FROM stats WHERE width = 'hour' AND ${stats} AND at >= $1::timestamptz
  UNION ALL
  SELECT ${id}, at, coalesce(status_code, 0), ${COUNT_DELTAS} FROM stat_deltas d WHERE ${deltas} AND at >= $1 GROUP BY 1, 2, 3
),
placed AS (
  SELECT *, floor(extract(epoch FROM at - $1) / 3600)::int AS hour FROM found
)
SELECT id, hour, status_code AS "statusCode", ${sumOfCounters('float8')}
FROM placed GROUP BY GROUPING SETS ((id, status_code), (id, hour, status_code))`;

// Uses the key of stats, once per subscription.
const OF_SUBSCRIPTION = 'account_id = $2 AND subscription_id = ANY ($3::uuid[])';
const OF_SUBSCRIPTIONS = readSql('subscription_id', {
  stats: OF_SUBSCRIPTION,
  deltas: `posthorn_shard(account_id) = posthorn_shard($2) AND ${OF_SUBSCRIPTION}`,
});

interface Row extends CountRow {
  id: string;
  hour: number | null;
}

/** Returns the last day of some subscriptions of an account, in one statement and in the order of the ids. */
export async function readSubscriptionDays(
  pool: pg.Pool,
  { accountId, ids, now = new Date() }: { accountId: string; ids: string[]; now?: Date },
): Promise<Day[]> {
  const from = firstHour(now);
  const values = [from, accountId, ids];
  const { rows } = await pool.query<Row>({ name: 'read-subscription-days', text: OF_SUBSCRIPTIONS, values });
  return toDays(rows, { ids, from });
}

const OF_ACCOUNT = 'account_id = ANY ($2::text[])';
const OF_ACCOUNTS = readSql('account_id', {
  stats: `${OF_ACCOUNT} AND subscription_id = '${ALL_SUBSCRIPTIONS}'`,
  deltas: OF_ACCOUNT,
});

/** Returns the last day of some accounts, in one statement and in the order of the ids. */
export async function readAccountDays(
  pool: pg.Pool,
  { ids, now = new Date() }: { ids: string[]; now?: Date },
): Promise<Day[]> {
  const from = firstHour(now);
  const { rows } = await pool.query<Row>({ name: 'read-account-days', text: OF_ACCOUNTS, values: [from, ids] });
  return toDays(rows, { ids, from });
}

/** The start of the last day: the current hour and the 23 before it. */
export const firstHour = (now: Date): Date =>
  new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS - (HOURS - 1) * HOUR_MS);

function toDays(rows: Row[], { ids, from }: { ids: string[]; from: Date }): Day[] {
  const byId = groupBy(rows, ({ id }) => id);
  return ids.map((id) => {
    const byHour = groupBy(byId.get(id) ?? [], ({ hour }) => hour);
    const hours = Array.from({ length: HOURS }, (_, hour) => ({
      at: new Date(from.getTime() + hour * HOUR_MS),
      byOutcome: countsOf(byHour.get(hour) ?? []).byOutcome,
    }));
    return { counts: countsOf(byHour.get(null) ?? []), hours };
  });
}

/** A delivery in a list of subscriptions. */
export interface LastDelivery {
  id: string;
  subscriptionId: string;
  status: DeliveryStatus;
  createdAt: Date;
  lastOutcome: AttemptOutcome | null;
  lastTrigger: AttemptTrigger | null;
  lastStatusCode: number | null;
  lastDurationMs: number | null;
  lastAttemptAt: Date | null;
}

/** Returns the newest delivery of each of these subscriptions that has any. Uses the indexes by subscription of both
 *  tables, once per subscription. */
export async function readLastDeliveries(
  pool: pg.Pool,
  { accountId, ids }: { accountId: string; ids: string[] },
): Promise<Map<string, LastDelivery>> {
  const { rows } = await pool.query<LastDelivery>({
    name: 'read-last-deliveries',
    text: `
      SELECT d.id, d.subscription_id AS "subscriptionId", d.status, d.created_at AS "createdAt", d.last_outcome AS "lastOutcome",
        d.last_trigger AS "lastTrigger", d.last_status_code AS "lastStatusCode", d.last_duration_ms AS "lastDurationMs",
        d.last_attempt_at AS "lastAttemptAt"
      FROM unnest($2::uuid[]) AS s (id) CROSS JOIN LATERAL (
        SELECT * FROM deliveries o WHERE ${inIdOrder('o.subscription_id', 's.id')} ORDER BY o.subscription_id DESC, o.id DESC LIMIT 1
      ) d WHERE d.account_id = $1`,
    values: [accountId, ids],
  });
  return new Map(rows.map((row) => [row.subscriptionId, row]));
}
