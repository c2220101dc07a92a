import type pg from 'pg';
import { type Database, inTransaction } from '../database.js';
import { isDatabaseAway } from '../database-away.js';
import type { Replay } from '../generated/prisma/client.js';
import type { Target } from './find-replayable.js';
import { addQueued } from './replay-accounts.js';
import { RECEIVES, type ReplayFilter } from './replay-filter.js';
import { sendAgain } from './send-again.js';
import { type Claim, type Stretch, walk } from './walk.js';

/** Maximum number of replays that one round advances. */
const ADVANCED_AT_ONCE = 20;

export interface AdvanceOptions {
  /** Maximum number of deliveries per step: few, so that a worker that records one of them waits only milliseconds. */
  atOnce: number;
  /** Called after the commit of each step. */
  observe?: (queued: { which: Replay['which']; count: number }) => void;
}

/** Makes one step of each running replay, starting with the one that has waited longest. A replay ends when nothing is left to queue, or when
 *  none of its subscriptions receives events any more. The dispatcher enqueues the pending deliveries as the subscriptions have capacity.
 *  Returns how many deliveries were queued. Any number of workers may call it; one at a time advances a replay. Without running replays it
 *  costs one probe of replays_running_idx. */
export async function advanceReplays(db: Database, { atOnce, observe }: AdvanceOptions): Promise<number> {
  const { rows } = await db.pool.query<{ id: string }>({
    name: 'running-replays',
    text: `SELECT id FROM replays WHERE status = 'running' ORDER BY advanced_at LIMIT ${ADVANCED_AT_ONCE}`,
  });
  let queued = 0;
  let fault: unknown;
  for (const { id } of rows) {
    try {
      const step = await inTransaction(db.pool, (client) => advance(client, id, atOnce));
      if (!step) continue;
      queued += step.count;
      observe?.(step);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      fault ??= error; // the other replays continue
    }
  }
  if (fault !== undefined) throw fault;
  return queued;
}

type Running = ReplayFilter &
  Pick<Replay, 'accountId' | 'positionAccountId' | 'positionSubscriptionId' | 'position'> & { canReceive: boolean };

// Do not lock the subscriptions: record-attempts.ts locks deliveries before subscriptions. If one is paused or disabled meanwhile,
// the job of a delivery finds that state and holds or cancels it, as after a publish.
const LOCK_REPLAY = `
SELECT account_id AS "accountId", which, since, until, account_ids AS "accountIds", subscription_ids AS "subscriptionIds", event_types AS "eventTypes", event_id AS "eventId",
  statuses::text[], outcomes::text[], status_codes AS "statusCodes", triggers::text[], of_replay_id AS "ofReplayId", q,
  position_account_id AS "positionAccountId", position_subscription_id AS "positionSubscriptionId", position,
  subscription_ids = '{}' OR EXISTS (SELECT FROM subscriptions s WHERE s.id = ANY (subscription_ids) AND ${RECEIVES}) AS "canReceive"
FROM replays WHERE id = $1 AND status = 'running' FOR UPDATE SKIP LOCKED`;

/** Makes one step. Returns null if the replay is not running, or another worker advances it. */
async function advance(
  client: pg.PoolClient,
  id: string,
  atOnce: number,
): Promise<{ which: Replay['which']; count: number } | null> {
  const { rows } = await client.query<Running>({ name: 'lock-replay', text: LOCK_REPLAY, values: [id] });
  const [running] = rows;
  if (!running) return null;
  if (!running.canReceive) {
    await client.query(`UPDATE replays SET status = 'canceled', ended_at = now(), tally_at = now() WHERE id = $1`, [
      id,
    ]);
    return null;
  }
  const { positionAccountId: accountId, positionSubscriptionId: subscriptionId, position } = running;
  const stretch = await walk(
    client,
    running,
    { accountId, subscriptionId, id: position },
    { limit: atOnce, claim: (target) => claim(client, target) },
  );
  const counts = new Map<string, number>();
  for (const portion of stretch.portions) {
    const sent = await sendAgain(client, { replayId: id, filter: running, ...portion });
    counts.set(portion.target.accountId, (counts.get(portion.target.accountId) ?? 0) + sent);
  }
  if (running.accountId === null) await addQueued(client, { replayId: id, counts });
  const count = [...counts.values()].reduce((sum, one) => sum + one, 0);
  await moveOn(client, id, { count, stretch });
  return { which: running.which, count };
}

// A replay that has queued nothing has nothing to deliver.
const MOVE_ON = `
UPDATE replays SET queued = queued + $2, position_account_id = $3, position_subscription_id = $4, position = $5,
  advanced_at = clock_timestamp(),
  status = CASE WHEN NOT $6 THEN status WHEN queued + $2 = 0 THEN 'completed' ELSE 'delivering' END,
  ended_at = CASE WHEN $6 AND queued + $2 = 0 THEN now() END,
  settled_at = CASE WHEN $6 AND queued + $2 = 0 THEN now() END,
  tally_at = CASE WHEN $6 THEN now() ELSE tally_at END
WHERE id = $1 AND status = 'running'`;

async function moveOn(
  client: pg.PoolClient,
  id: string,
  { count, stretch: { position, isAtEnd } }: { count: number; stretch: Stretch },
): Promise<void> {
  await client.query({
    name: 'move-replay-on',
    text: MOVE_ON,
    values: [id, count, position.accountId, position.subscriptionId, position.id, isAtEnd],
  });
}

/** The first of two advisory lock keys: see shards.ts. */
const LOCK_CLASS = 72_707_374;

/** Locks the account until the transaction ends, so that it is not erased meanwhile. For `missed`, also prevents other replays from adding the
 *  same deliveries to a subscription. */
async function claim(client: pg.PoolClient, { accountId, subscriptionId }: Target): Promise<Claim> {
  const locked = await client.query(
    'SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE SKIP LOCKED',
    [accountId],
  );
  if (locked.rowCount === 0) {
    const found = await client.query('SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL', [accountId]);
    return found.rowCount === 0 ? 'skip' : 'wait';
  }
  if (subscriptionId === null) return 'enter';
  const { rows } = await client.query<{ isLocked: boolean }>(
    'SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS "isLocked"',
    [LOCK_CLASS, subscriptionId],
  );
  return rows[0]?.isLocked ? 'enter' : 'wait';
}
