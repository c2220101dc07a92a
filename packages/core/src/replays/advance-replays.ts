import type pg from 'pg';
import { type Database, inTransaction } from '../database.js';
import { isDatabaseAway } from '../database-away.js';
import type { Replay as Row, SubscriptionStatus } from '../generated/prisma/client.js';
import { KEEP_LAST_ATTEMPTS } from '../deliveries/attempt-columns.js';
import { idsAround, IS_FAILED, IS_MISSED } from './replay.js';

/** Rows that one step reads at most if few of them match. */
const ROWS_PER_STEP = 5_000;

export interface AdvanceOptions {
  /** Maximum number of deliveries that one step replays. Small enough that recording a result of one of them waits
   *  only for milliseconds. */
  atOnce: number;
  /** Called after the commit with the number of replayed deliveries. */
  observe?: (brought: { which: Row['which']; count: number }) => void;
}

/** Makes one step of each running replay, the oldest first. Ends replays that have nothing left, or whose
 *  subscription is neither active nor paused any more. Returns how many deliveries were replayed.
 *  Replayed deliveries are deferred: the dispatcher leases them as the subscription has capacity. Those of a paused
 *  subscription are held.
 *  Any number of processes may call it; one at a time advances a replay. A step and its position are one
 *  transaction, so a crash loses and repeats nothing. Without running replays it costs one probe of
 *  replays_running_key. */
export async function advanceReplays(db: Database, { atOnce, observe }: AdvanceOptions): Promise<number> {
  const { rows } = await db.pool.query<{ id: string }>({
    name: 'running-replays',
    text: `SELECT id FROM replays WHERE status = 'running' ORDER BY id`,
  });
  let queued = 0;
  let fault: unknown;
  for (const { id } of rows) {
    try {
      const brought = await inTransaction(db.pool, (client) => advance(client, id, atOnce));
      if (!brought) continue;
      queued += brought.count;
      observe?.(brought);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      fault ??= error; // one replay failed; continue with the others
    }
  }
  if (fault !== undefined) throw fault;
  return queued;
}

type Running = Pick<Row, 'accountId' | 'subscriptionId' | 'which' | 'since' | 'until' | 'position'> & {
  events: string[];
  subscriptionStatus: SubscriptionStatus;
  isDeleted: boolean;
};

/** Makes one step. Returns null if the replay is not running any more or another process advances it. */
async function advance(
  client: pg.PoolClient,
  id: string,
  atOnce: number,
): Promise<{ which: Row['which']; count: number } | null> {
  // The subscription is not locked, because recording results locks deliveries before it. If it is paused or disabled
  // meanwhile, later replayed deliveries are held or canceled when their job finds the state, as after a publish.
  const { rows } = await client.query<Running>({
    name: 'lock-replay',
    text: `
      SELECT r.account_id AS "accountId", r.subscription_id AS "subscriptionId", r.which, r.since, r.until, r.position,
        s.events, s.status AS "subscriptionStatus", s.deleted_at IS NOT NULL AS "isDeleted"
      FROM replays r JOIN subscriptions s ON s.id = r.subscription_id
      WHERE r.id = $1 AND r.status = 'running' FOR UPDATE OF r SKIP LOCKED`,
    values: [id],
  });
  const [running] = rows;
  if (!running) return null;
  const { which, subscriptionStatus, isDeleted } = running;
  if (isDeleted || (subscriptionStatus !== 'active' && subscriptionStatus !== 'paused')) {
    await client.query(
      `UPDATE replays SET status = 'canceled', ended_at = now() WHERE id = $1 AND status = 'running'`,
      [id],
    );
    return null;
  }
  const { ids, edge } = await find(client, running, atOnce);
  const count = await bring(client, { id, running, ids });
  const isAll = ids.length < atOnce && edge === null;
  await client.query({
    name: 'move-replay-on',
    text: `
      UPDATE replays SET queued = queued + $2, position = coalesce($3, position),
        status = CASE WHEN $4 THEN 'completed'::replay_status ELSE status END, ended_at = CASE WHEN $4 THEN now() END
      WHERE id = $1 AND status = 'running'`,
    values: [id, count, ids.length === atOnce ? ids.at(-1) : edge, isAll],
  });
  return { which, count };
}

interface Found {
  /** The deliveries or events to replay, in the order of their ids. */
  ids: string[];
  /** The last id that the step reads if few match; null: it read to the end. */
  edge: string | null;
}

async function find(client: pg.PoolClient, running: Running, atOnce: number): Promise<Found> {
  const { accountId, subscriptionId, which, since, until, position, events } = running;
  const { from, to } = idsAround({ since, until });
  const { rows } = await client.query<Found>({
    name: `find-${which}`,
    text: FIND[which],
    values: [
      accountId,
      subscriptionId,
      position ?? from,
      to,
      since,
      until,
      atOnce,
      ROWS_PER_STEP,
      ...(which === 'missed' ? [events] : []),
    ],
  });
  return rows[0] ?? { ids: [], edge: null };
}

// Uses the indexes by subscription of both tables of deliveries.
const OURS = `
  FROM deliveries d
  WHERE d.subscription_id = (SELECT s.id FROM subscriptions s WHERE s.account_id = $1 AND s.id = $2) AND d.id > $3 AND d.id < $4`;
// Uses the keys of events and of the tables of deliveries.
const EVENTS = `
  FROM events e CROSS JOIN (SELECT $2::uuid AS id, $9::text[] AS events) s
  WHERE e.account_id = $1 AND e.id > $3 AND e.id < $4`;
const FIND: Record<Row['which'], string> = {
  failed: `
WITH edge AS MATERIALIZED (
  SELECT d.id ${OURS} ORDER BY d.id OFFSET $8 - 1 LIMIT 1
),
found AS MATERIALIZED (
  SELECT d.id ${OURS} AND d.id <= coalesce((SELECT id FROM edge), $4) AND d.created_at >= $5 AND d.created_at < $6 AND ${IS_FAILED}
  ORDER BY d.id LIMIT $7
)
SELECT ARRAY(SELECT id FROM found ORDER BY id) AS ids, (SELECT id FROM edge) AS edge`,
  missed: `
WITH edge AS MATERIALIZED (
  SELECT e.id ${EVENTS} ORDER BY e.id OFFSET $8 - 1 LIMIT 1
),
found AS MATERIALIZED (
  SELECT e.id ${EVENTS} AND e.id <= coalesce((SELECT id FROM edge), $4) AND e.created_at >= $5 AND e.created_at < $6 AND ${IS_MISSED}
  ORDER BY e.id LIMIT $7
)
SELECT ARRAY(SELECT id FROM found ORDER BY id) AS ids, (SELECT id FROM edge) AS edge`,
};

/** Makes the found deliveries pending again, or creates them. Returns how many. */
async function bring(
  client: pg.PoolClient,
  { id, running: { which, subscriptionId, subscriptionStatus }, ids }: { id: string; running: Running; ids: string[] },
): Promise<number> {
  if (ids.length === 0) return 0;
  if (which === 'failed') await lock(client, ids);
  const { rows } = await client.query<{ count: number }>({
    name: `replay-${which}`,
    text: BRING[which],
    values: [id, ids, subscriptionStatus === 'paused', ...(which === 'missed' ? [subscriptionId] : [])],
  });
  return rows[0]?.count ?? 0;
}

/** Locks deliveries in both tables in id order, like record-attempts.ts, and thus waits for results that are being
 *  recorded. A delivery may move to the other table meanwhile; the next round finds it there. */
async function lock(client: pg.PoolClient, ids: string[]): Promise<void> {
  for (let look = 1, locked = 0; look <= LOOKS && locked < ids.length; look += 1) {
    const { rowCount } = await client.query({ name: 'lock-deliveries', text: LOCK, values: [ids] });
    locked = rowCount ?? 0;
  }
}

const LOOKS = 3;
const LOCK = `
WITH finished AS (SELECT id FROM finished_deliveries WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE),
pending AS (SELECT id FROM pending_deliveries WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)
SELECT id FROM finished UNION ALL SELECT id FROM pending`;

const BRING: Record<Row['which'], string> = {
  // Deliveries that succeeded meanwhile are skipped. A requested attempt stays requested.
  failed: `
WITH leaving AS (
  DELETE FROM finished_deliveries d WHERE d.id = ANY ($2::uuid[]) AND ${IS_FAILED} RETURNING d.*
),
kept AS (${KEEP_LAST_ATTEMPTS}
),
returned AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, attempt_count, created_at,
    last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at, status, due_at, asked_trigger, replay_id)
  SELECT id, account_id, event_id, event_type, subscription_id, attempt_count, created_at,
    last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at,
    CASE WHEN $3 THEN 'held'::delivery_status ELSE 'pending' END,
    CASE WHEN NOT $3 THEN now() END,
    CASE WHEN NOT $3 THEN 'replay'::attempt_trigger END,
    $1
  FROM leaving
  RETURNING id
),
asked AS (
  UPDATE pending_deliveries d SET
    status = CASE WHEN $3 THEN 'held'::delivery_status ELSE 'pending' END,
    status_reason = NULL,
    failure_count = 0,
    due_at = CASE WHEN NOT $3 THEN now() END,
    asked_trigger = CASE WHEN $3 THEN d.asked_trigger ELSE coalesce(d.asked_trigger, 'replay') END,
    leased_until = CASE WHEN $3 THEN d.leased_until END,
    completed_at = NULL,
    replay_id = $1
  WHERE d.id = ANY ($2::uuid[]) AND ${IS_FAILED}
  RETURNING id
)
SELECT ((SELECT count(*) FROM returned) + (SELECT count(*) FROM asked))::int AS count`,
  // A visible event already has the deliveries of its publish, so none gets a second one for this subscription.
  missed: `
WITH brought AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at, asked_trigger, replay_id)
  SELECT posthorn_delivery_id(e.id), e.account_id, e.id, e.type, $4, e.created_at,
    CASE WHEN $3 THEN 'held'::delivery_status ELSE 'pending' END,
    CASE WHEN NOT $3 THEN now() END,
    CASE WHEN NOT $3 THEN 'replay'::attempt_trigger END,
    $1
  FROM events e WHERE e.account_id = (SELECT account_id FROM replays WHERE id = $1) AND e.id = ANY ($2::uuid[]) ORDER BY e.id
  RETURNING id
)
SELECT count(*)::int AS count FROM brought`,
};
