import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import type { ReplayWhich, SubscriptionStatus } from '../generated/prisma/client.js';
import { newId } from '../id.js';
import { lockSubscription } from '../subscriptions/subscription.js';
import { findReplay, idsAround, IS_FAILED, IS_MISSED, type Replay } from './replay.js';

export interface WantedReplay {
  accountId: string;
  subscriptionId: string;
  which: ReplayWhich;
  since: Date;
  /** After `since` and not in the future, because the replay would not see later events. */
  until: Date;
  /** Count only. */
  isDryRun: boolean;
}

export type StartReplayResult =
  | { outcome: 'started'; replay: Replay }
  | { outcome: 'counted'; matched: number }
  | { outcome: 'running'; replayId: string }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; reason: string };

/** Counts the matching deliveries or events and stores a replay, which advanceReplays carries out. A dry run only
 *  counts. The subscription must be active or paused, and can have one running replay. */
export async function startReplay({ db }: Pick<Deps, 'db'>, wanted: WantedReplay): Promise<StartReplayResult> {
  const { accountId, subscriptionId, which, since, until, isDryRun } = wanted;
  const refused = await findRefusal(db.pool, wanted);
  if (refused) return refused;
  const matched = await countMatching(db.pool, wanted);
  if (isDryRun) return { outcome: 'counted', matched };

  const id = newId();
  // The state may have changed since the count, so check it again with the subscription locked. Of two concurrent calls
  // only one starts.
  const refusedNow = await inTransaction(db.pool, async (client) => {
    const account = await client.query('SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE', [
      accountId,
    ]);
    if (account.rowCount === 0) return { outcome: 'not_found' } as const;
    await lockSubscription(client, { accountId, id: subscriptionId });
    const refusal = await findRefusal(client, wanted);
    if (refusal) return refusal;
    await client.query(
      `INSERT INTO replays (id, account_id, subscription_id, which, since, until, matched) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, accountId, subscriptionId, which, since, until, matched],
    );
    return null;
  });
  if (refusedNow) return refusedNow;
  const replay = await findReplay(db, { accountId, id });
  return replay ? { outcome: 'started', replay } : { outcome: 'not_found' };
}

type Refusal = Exclude<StartReplayResult, { outcome: 'started' | 'counted' }>;

async function findRefusal(
  client: pg.Pool | pg.PoolClient,
  { accountId, subscriptionId, isDryRun }: WantedReplay,
): Promise<Refusal | null> {
  const { rows } = await client.query<{ status: SubscriptionStatus; runningId: string | null }>(
    `SELECT s.status, r.id AS "runningId" FROM subscriptions s
     LEFT JOIN replays r ON r.subscription_id = s.id AND r.status = 'running'
     WHERE s.account_id = $1 AND s.id = $2 AND s.deleted_at IS NULL`,
    [accountId, subscriptionId],
  );
  const [now] = rows;
  if (!now) return { outcome: 'not_found' };
  if (now.status === 'unverified')
    return { outcome: 'not_possible', reason: 'the subscription is not verified yet; verify it first' };
  if (now.status === 'disabled')
    return { outcome: 'not_possible', reason: 'the subscription is disabled; resume it first' };
  if (now.runningId !== null && !isDryRun) return { outcome: 'running', replayId: now.runningId };
  return null;
}

// Uses the tables' indexes by subscription.
const COUNT_FAILED = `
SELECT count(*)::int AS matched FROM deliveries d
WHERE d.subscription_id = (SELECT s.id FROM subscriptions s WHERE s.account_id = $1 AND s.id = $2)
  AND d.id >= $3 AND d.id < $4 AND d.created_at >= $5 AND d.created_at < $6 AND ${IS_FAILED}`;

// Uses the keys of events and of the tables of deliveries.
const COUNT_MISSED = `
SELECT count(*)::int AS matched FROM subscriptions s JOIN events e ON e.account_id = s.account_id
WHERE s.account_id = $1 AND s.id = $2
  AND e.id >= $3 AND e.id < $4 AND e.created_at >= $5 AND e.created_at < $6 AND ${IS_MISSED}`;

async function countMatching(
  pool: pg.Pool,
  { accountId, subscriptionId, which, since, until }: WantedReplay,
): Promise<number> {
  const { from, to } = idsAround({ since, until });
  const { rows } = await pool.query<{ matched: number }>(which === 'failed' ? COUNT_FAILED : COUNT_MISSED, [
    accountId,
    subscriptionId,
    from,
    to,
    since,
    until,
  ]);
  return rows[0]?.matched ?? 0;
}
