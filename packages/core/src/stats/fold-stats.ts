import type pg from 'pg';
import { inTransaction } from '../database.js';
import { ALL_ACCOUNTS, ALL_SUBSCRIPTIONS, KINDS } from './stat.js';

/** Held by whoever folds, until its transaction ends. */
const LOCK = 72_707_373;

// Which deltas are taken does not matter. They are added to the minute and to the hour; of the subscription (if it is of one),
// of the account, and of all.
const FOLD = `
WITH taken AS (
  DELETE FROM stat_deltas WHERE ctid = ANY (ARRAY(SELECT ctid FROM stat_deltas LIMIT $1)) RETURNING *
),
alike AS (
  SELECT account_id, subscription_id, event_type, at, outcome, status_code, duration_bucket, ended, sum(count) AS count
  FROM taken GROUP BY account_id, subscription_id, event_type, at, outcome, status_code, duration_bucket, ended
),
counted AS (
  SELECT w.width, s.account_id, s.subscription_id, date_bin(w.length, d.at, 'epoch') AS at, d.event_type, k.kind, sum(d.count) AS count
  FROM alike d
  CROSS JOIN (VALUES ('minute'::stat_width, interval '1 minute'), ('hour', interval '1 hour')) AS w (width, length)
  CROSS JOIN LATERAL (VALUES
    ('${ALL_ACCOUNTS}', '${ALL_SUBSCRIPTIONS}'::uuid), (d.account_id, '${ALL_SUBSCRIPTIONS}'), (d.account_id, d.subscription_id)
  ) AS s (account_id, subscription_id)
  CROSS JOIN ${KINDS}
  WHERE s.subscription_id IS NOT NULL
  GROUP BY w.width, s.account_id, s.subscription_id, 4, d.event_type, k.kind
),
folded AS (
  INSERT INTO stats (width, account_id, subscription_id, at, event_type, counts)
  SELECT width, account_id, subscription_id, at, event_type, jsonb_object_agg(kind, count)
  FROM counted GROUP BY width, account_id, subscription_id, at, event_type
  ON CONFLICT (width, account_id, subscription_id, at, event_type)
    DO UPDATE SET counts = posthorn_add_counts(stats.counts, excluded.counts)
)
SELECT count(*)::int AS count FROM taken`;

/** Moves up to `atOnce` rows of stat_deltas into stats, in one transaction: each is counted once, whatever dies. Returns how
 *  many; fewer than `atOnce`: nothing is left but what came meanwhile. null: another process is at it. */
export async function foldStats(pool: pg.Pool, { atOnce }: { atOnce: number }): Promise<number | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS locked', [LOCK]);
    if (!rows[0]?.locked) return null;
    const folded = await client.query<{ count: number }>({ name: 'fold-stats', text: FOLD, values: [atOnce] });
    return folded.rows[0]?.count ?? 0;
  });
}

/** Drops what of an account's statistics is not folded yet, within the caller's transaction: a fold that is under way would write
 *  its rows of `stats` again. The account still counts in those of all accounts, but for the last seconds. */
export async function dropDeltasOf(client: pg.PoolClient, accountId: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  await client.query('DELETE FROM stat_deltas WHERE account_id = $1', [accountId]);
}
