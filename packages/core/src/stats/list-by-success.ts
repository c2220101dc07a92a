import type pg from 'pg';
import { AttemptOutcome } from '../generated/prisma/enums.js';
import { firstHour } from './read-day.js';
import { ALL_SUBSCRIPTIONS } from './stat.js';

/** A row of a list by success rate. */
export interface SuccessPlace {
  id: string;
  /** The share of attempts of the last day that got a 2xx, without aborted ones; null: no attempt. */
  rate: number | null;
}

export interface ListedBySuccess {
  places: SuccessPlace[];
  /** How many rows were sorted, if there are more: the newest ones. null: all. */
  sortedNewest: number | null;
}

interface Wanted {
  /** Only rows after this one; null: the first page. */
  after: SuccessPlace | null;
  limit: number;
  most?: number;
  now?: Date;
}

/** Every page reads a day of statistics of each of these rows. */
const MOST_SORTED = 5_000;

const COUNTED = Object.values(AttemptOutcome).filter((outcome) => outcome !== 'aborted');
const TOTAL = COUNTED.map((outcome) => `coalesce(sum(t.${outcome}), 0)`).join(' + ');

/** SQL: a page of the rows `found`, newest first. `account`, `subscription`: the key of the statistics of a row `n`. `deltas`: which rows of
 *  stat_deltas may count. `next`: how the id of a later row with the same rate compares. The key is compared as a row: so only the key of stats
 *  has the order. */
const listSql = ({
  found,
  id,
  type,
  account,
  subscription,
  deltas,
  next,
}: {
  found: string;
  id: string;
  type: string;
  account: string;
  subscription: string;
  deltas: string;
  next: '<' | '>';
}): string => `
WITH found AS (${found} LIMIT $5 + 1),
newest AS (SELECT id FROM found ORDER BY place LIMIT $5),
counted AS (
  SELECT n.id, t.ok, t.total, true AS is_listed FROM newest n CROSS JOIN LATERAL (
    SELECT sum(t.ok) AS ok, ${TOTAL} AS total FROM stats t
    WHERE (t.width, t.account_id, t.subscription_id, t.at) >= ('hour', ${account}, ${subscription}, $1::timestamptz)
      AND (t.width, t.account_id, t.subscription_id, t.at) < ('hour', ${account}, ${subscription}, 'infinity')
  ) t
  UNION ALL
  SELECT d.${id}, sum(d.count) FILTER (WHERE d.outcome = 'ok'), sum(d.count), false FROM stat_deltas d
  WHERE ${deltas} AND d.at >= $1 AND d.outcome <> 'aborted' GROUP BY d.${id}
),
rated AS (
  SELECT id, coalesce(sum(ok), 0)::float8 / nullif(sum(total), 0)::float8 AS rate
  FROM counted GROUP BY id HAVING bool_or(is_listed)
)
SELECT r.id, r.rate, (SELECT count(*) FROM found) > $5 AS "hasOthers" FROM rated r
WHERE $3::${type} IS NULL
  OR ($2::float8 IS NULL AND r.rate IS NULL AND r.id ${next} $3)
  OR ($2 IS NOT NULL AND (r.rate > $2 OR (r.rate = $2 AND r.id ${next} $3) OR r.rate IS NULL))
ORDER BY r.rate NULLS LAST, r.id ${next === '<' ? 'DESC' : 'ASC'} LIMIT $4`;

const SUBSCRIPTIONS = listSql({
  found: `
    SELECT s.id, row_number() OVER (ORDER BY s.account_id DESC, s.id DESC) AS place FROM subscriptions s
    WHERE s.account_id = $6 AND s.deleted_at IS NULL AND ($7::text[] IS NULL OR s.status::text = ANY ($7))
    ORDER BY s.account_id DESC, s.id DESC`,
  id: 'subscription_id',
  type: 'uuid',
  account: '$6::varchar',
  subscription: 'n.id',
  deltas: 'posthorn_shard(d.account_id) = posthorn_shard($6) AND d.account_id = $6',
  next: '<',
});

/** Lists the newest `most` subscriptions of an account: those with the lowest success rate of the last day first, then those without attempts.
 *  Equal ones are sorted newest first. Uses the index of live subscriptions, and the key of stats once per subscription. */
export const listSubscriptionsBySuccess = (
  pool: pg.Pool,
  { accountId, statuses, ...wanted }: Wanted & { accountId: string; statuses?: string[] | undefined },
): Promise<ListedBySuccess> =>
  list(pool, wanted, {
    name: 'list-subscriptions-by-success',
    text: SUBSCRIPTIONS,
    values: [accountId, statuses ?? null],
  });

const ACCOUNTS = listSql({
  found: `
    SELECT a.id, row_number() OVER (ORDER BY a.created_at DESC, a.id DESC) AS place FROM accounts a
    WHERE a.deleted_at IS NULL ORDER BY a.created_at DESC, a.id DESC`,
  id: 'account_id',
  type: 'varchar',
  account: 'n.id',
  subscription: `'${ALL_SUBSCRIPTIONS}'`,
  deltas: 'true',
  next: '>',
});

/** The same for the newest `most` accounts. Equal ones are sorted by id. Uses the index of accounts by time. */
export const listAccountsBySuccess = (pool: pg.Pool, wanted: Wanted): Promise<ListedBySuccess> =>
  list(pool, wanted, { name: 'list-accounts-by-success', text: ACCOUNTS, values: [] });

async function list(
  pool: pg.Pool,
  { after, limit, most = MOST_SORTED, now = new Date() }: Wanted,
  { values, ...query }: { name: string; text: string; values: unknown[] },
): Promise<ListedBySuccess> {
  const { rows } = await pool.query<SuccessPlace & { hasOthers: boolean }>({
    ...query,
    values: [firstHour(now), after?.rate ?? null, after?.id ?? null, limit, most, ...values],
  });
  const sortedNewest = rows[0]?.hasOthers ? most : null;
  return { places: rows.map(({ id, rate }) => ({ id, rate })), sortedNewest };
}
