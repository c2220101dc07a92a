import type pg from 'pg';
import { inTransaction } from '../database.js';
import { lockShards, SHARDS } from '../shards.js';
import { ADD_COUNTERS, COUNT_DELTAS, COUNTERS, sumOfCounters } from './counters.js';
import { ALL_ACCOUNTS, ALL_SUBSCRIPTIONS } from './stat.js';

/** Advisory locks: one per shard. */
const LOCK_CLASS = 72_707_373;

const IN_SHARD = 'posthorn_shard(account_id) = $1';

// Deletes any rows of the shard. Adds them to the minute (of the account and of all accounts) and the hour (also of the
// subscription). Only this fold writes the rows of its accounts. The rows of all accounts come last and in one order,
// so folds of other shards wait only while this one commits and never deadlock.
const FOLD = `
WITH deltas AS (
  DELETE FROM stat_deltas WHERE ${IN_SHARD} AND ctid = ANY (ARRAY(SELECT ctid FROM stat_deltas WHERE ${IN_SHARD} LIMIT $2)) RETURNING *
),
counted AS (
  SELECT account_id, subscription_id, event_type, at, coalesce(status_code, 0) AS status_code, ${COUNT_DELTAS}
  FROM deltas d GROUP BY account_id, subscription_id, event_type, at, coalesce(status_code, 0)
),
folded AS (
  INSERT INTO stats (width, account_id, subscription_id, at, event_type, status_code, ${COUNTERS})
  SELECT s.width, s.account_id, s.subscription_id, date_bin(s.length, d.at, 'epoch') AS at, d.event_type, d.status_code, ${sumOfCounters('int')}
  FROM counted d
  CROSS JOIN LATERAL (VALUES
    ('minute'::stat_width, interval '1 minute', d.account_id, '${ALL_SUBSCRIPTIONS}'::uuid),
    ('hour', interval '1 hour', d.account_id, '${ALL_SUBSCRIPTIONS}'), ('hour', interval '1 hour', d.account_id, d.subscription_id),
    ('minute', interval '1 minute', '${ALL_ACCOUNTS}', '${ALL_SUBSCRIPTIONS}'), ('hour', interval '1 hour', '${ALL_ACCOUNTS}', '${ALL_SUBSCRIPTIONS}')
  ) AS s (width, length, account_id, subscription_id)
  WHERE s.subscription_id IS NOT NULL
  GROUP BY s.width, s.account_id, s.subscription_id, 4, d.event_type, d.status_code
  ORDER BY s.account_id = '${ALL_ACCOUNTS}', s.width, s.account_id, s.subscription_id, at, d.event_type, d.status_code
  ON CONFLICT (width, account_id, subscription_id, at, event_type, status_code) DO UPDATE SET ${ADD_COUNTERS}
)
SELECT count(*)::int AS count FROM deltas`;

/** Moves up to `atOnce` rows of a shard from stat_deltas into stats in one transaction: each counts once, even after
 *  a crash. Returns how many; fewer than `atOnce` means that only newer rows are left. null: another process folds
 *  the shard. */
export async function foldStats(
  pool: pg.Pool,
  { shard, atOnce }: { shard: number; atOnce: number },
): Promise<number | null> {
  return inTransaction(pool, async (client) => {
    const locked = await lockShards(client, { lockClass: LOCK_CLASS, shards: [shard] });
    if (locked.length === 0) return null;
    // No need to wait for the disk: if Postgres loses the last commits, their rows are back in stat_deltas and not in
    // stats.
    await client.query(`SET LOCAL synchronous_commit = off`);
    const { rows } = await client.query<{ count: number }>({ name: 'fold-stats', text: FOLD, values: [shard, atOnce] });
    return rows[0]?.count ?? 0;
  });
}

const FIND = SHARDS.map((shard) => `SELECT ${shard} AS shard WHERE EXISTS (SELECT FROM stat_deltas_${shard})`).join(
  ' UNION ALL ',
);

/** Returns the shards that have rows to fold. */
export async function findShardsToFold(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ shard: number }>({ name: 'find-shards-to-fold', text: FIND });
  return rows.map(({ shard }) => shard);
}

/** Deletes an account's rows in stat_deltas within the caller's transaction; otherwise a running fold would write
 *  its rows of `stats` again. The totals over all accounts keep the account's counts, except for the last seconds. */
export async function dropDeltasOf(client: pg.PoolClient, accountId: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1, posthorn_shard($2))', [LOCK_CLASS, accountId]);
  await client.query(
    'DELETE FROM stat_deltas WHERE account_id = $1 AND posthorn_shard(account_id) = posthorn_shard($1)',
    [accountId],
  );
}
