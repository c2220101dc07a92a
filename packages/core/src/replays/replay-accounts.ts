import type pg from 'pg';
import type { Replay } from '../generated/prisma/client.js';
import { type Columns, unnest, valuesOf } from '../unnest.js';
import { COUNTED_AT_ONCE, isCountedNow, type Tally, TALLY } from './read-tallies.js';

/** The progress of an operator's replay for one account. The replay's row has the sums over all accounts. */
export interface ReplayAccount extends Tally {
  accountId: string;
  queued: number;
}

const QUEUED: Columns<[accountId: string, count: number]> = {
  account_id: ['text', ([accountId]) => accountId],
  count: ['int', ([, count]) => count],
};

const TALLIES: Columns<[accountId: string, tally: Tally]> = {
  account_id: ['text', ([accountId]) => accountId],
  delivered: ['int', ([, { delivered }]) => delivered],
  failed: ['int', ([, { failed }]) => failed],
  pending: ['int', ([, { pending }]) => pending],
};

// Rows of a replay are locked in the order of their accounts, by the steps and by the tallies.

/** Adds what a step has queued of each account, in the step's transaction. The step holds the accounts, so they exist. */
export async function addQueued(
  client: pg.PoolClient,
  { replayId, counts }: { replayId: string; counts: Map<string, number> },
): Promise<void> {
  const some = [...counts].filter(([, count]) => count > 0);
  if (some.length === 0) return;
  await client.query({
    name: 'add-queued-of-accounts',
    text: `
      INSERT INTO replay_accounts (replay_id, account_id, queued, pending)
      SELECT $1, t.account_id, t.count, t.count FROM ${unnest(QUEUED, { alias: 't', first: 2 })} ORDER BY t.account_id
      ON CONFLICT (replay_id, account_id) DO UPDATE SET
        queued = replay_accounts.queued + excluded.queued, pending = replay_accounts.pending + excluded.pending`,
    values: [replayId, ...valuesOf(QUEUED, some)],
  });
}

/** Stores a tally of each account. An account without a tally has no delivery of this replay any more: a later replay has them. */
export async function storeTallies(
  pool: pg.Pool,
  { replayId, tallies }: { replayId: string; tallies: Map<string, Tally> },
): Promise<void> {
  await pool.query({
    name: 'store-tallies-of-accounts',
    text: `
      WITH locked AS MATERIALIZED (
        SELECT account_id FROM replay_accounts WHERE replay_id = $1 ORDER BY account_id FOR NO KEY UPDATE
      )
      UPDATE replay_accounts a SET
        delivered = coalesce(t.delivered, 0), failed = coalesce(t.failed, 0), pending = coalesce(t.pending, 0)
      FROM locked l LEFT JOIN ${unnest(TALLIES, { alias: 't', first: 2 })}
        ON t.account_id = l.account_id
      WHERE a.replay_id = $1 AND a.account_id = l.account_id`,
    values: [replayId, ...valuesOf(TALLIES, [...tallies])],
  });
}

/** Returns accounts of a replay of operators, in the order of their ids, as last tallied; of a replay that withTallies counts, as they are now.
 *  Uses the key, and the indexes by replay of both tables of deliveries. */
export async function listReplayAccounts(
  pool: pg.Pool,
  { replay, afterAccountId, limit }: { replay: Replay; afterAccountId: string; limit: number },
): Promise<ReplayAccount[]> {
  const { rows } = await pool.query<ReplayAccount>({
    name: 'list-replay-accounts',
    text: `SELECT account_id AS "accountId", queued, delivered, failed, pending FROM replay_accounts
      WHERE replay_id = $1 AND account_id > $2 ORDER BY account_id LIMIT $3`,
    values: [replay.id, afterAccountId, limit],
  });
  if (!isCountedNow(replay)) return rows;
  const now = await pool.query<Tally & { accountId: string }>({
    name: 'tally-accounts-now',
    text: NOW,
    values: [replay.id],
  });
  const tallies = new Map(now.rows.map(({ accountId, ...tally }) => [accountId, tally]));
  return rows.map((row) => ({ ...row, delivered: 0, failed: 0, pending: 0, ...tallies.get(row.accountId) }));
}

const NOW = `
SELECT d.account_id AS "accountId", ${TALLY} FROM (
  (SELECT account_id, status FROM pending_deliveries WHERE replay_id = $1 LIMIT ${COUNTED_AT_ONCE})
  UNION ALL
  (SELECT account_id, status FROM finished_deliveries WHERE replay_id = $1 LIMIT ${COUNTED_AT_ONCE})
) d
GROUP BY d.account_id`;
