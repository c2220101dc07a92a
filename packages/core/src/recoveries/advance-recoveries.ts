import type pg from 'pg';
import { type Database, inTransaction } from '../database.js';
import { isDatabaseAway } from '../database-away.js';
import type { Recovery as Row, SubscriptionStatus } from '../generated/prisma/client.js';
import { idsAround, IS_FAILED, IS_MISSING } from './recovery.js';

/** What one slice goes over at most, where little of it is to be brought back. */
const LOOKED_AT_ONCE = 5_000;

export interface AdvanceOptions {
  /** Brought back by one slice, at most. Few enough that whoever is to record a result of one of them waits for milliseconds. */
  atOnce: number;
  /** So many were brought back; after the commit. */
  observe?: (brought: { which: Row['which']; count: number }) => void;
}

/** Brings back one slice of each running recovery, the oldest recovery first, and ends those that have nothing left, or whose
 *  subscription is neither active nor paused any more. What is brought back is parked: the feeder takes it as the subscription
 *  has room; a paused one holds it. Returns how many were brought back. Any number of processes may call it: a recovery is
 *  advanced by one at a time. A slice and its position are one transaction, so whoever dies in it leaves no trace, and
 *  nothing comes back twice. Where nothing runs it is one probe of recoveries_running_key. */
export async function advanceRecoveries(db: Database, { atOnce, observe }: AdvanceOptions): Promise<number> {
  const { rows } = await db.pool.query<{ id: string }>({
    name: 'running-recoveries',
    text: `SELECT id FROM recoveries WHERE status = 'running' ORDER BY id`,
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
      fault ??= error; // of one recovery: the others go on
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

/** One slice; null if it is not running any more, or somebody else is at it. */
async function advance(
  client: pg.PoolClient,
  id: string,
  atOnce: number,
): Promise<{ which: Row['which']; count: number } | null> {
  // The subscription itself is not locked: who records results locks deliveries first and it second. If it is paused or
  // disabled meanwhile, what comes back too late for that is held or canceled when its job meets the state, as after a publish.
  const { rows } = await client.query<Running>({
    name: 'lock-recovery',
    text: `
      SELECT r.account_id AS "accountId", r.subscription_id AS "subscriptionId", r.which, r.since, r.until, r.position,
        s.events, s.status AS "subscriptionStatus", s.deleted_at IS NOT NULL AS "isDeleted"
      FROM recoveries r JOIN subscriptions s ON s.id = r.subscription_id
      WHERE r.id = $1 AND r.status = 'running' FOR UPDATE OF r SKIP LOCKED`,
    values: [id],
  });
  const [running] = rows;
  if (!running) return null;
  const { which, subscriptionStatus, isDeleted } = running;
  if (isDeleted || (subscriptionStatus !== 'active' && subscriptionStatus !== 'paused')) {
    await client.query(
      `UPDATE recoveries SET status = 'canceled', ended_at = now() WHERE id = $1 AND status = 'running'`,
      [id],
    );
    return null;
  }
  const { from, to } = idsAround(running);
  const brought = await client.query<{ count: number }>({
    name: `recover-${which}`,
    text: which === 'failed' ? RECOVER_FAILED : RECOVER_MISSING,
    values: [
      id,
      running.accountId,
      running.subscriptionId,
      running.position ?? from,
      to,
      running.since,
      running.until,
      subscriptionStatus === 'paused',
      atOnce,
      LOOKED_AT_ONCE,
      ...(which === 'missing' ? [running.events] : []),
    ],
  });
  return { which, count: brought.rows[0]?.count ?? 0 };
}

// found: what is to be brought back of the ids from the position on, in their order · edge: how far a slice looks, where little is
// found; none: it looks to the end.
const MOVE_ON = `
UPDATE recoveries r SET
  queued = r.queued + (SELECT count(*) FROM brought),
  position = CASE WHEN f.count = $9 THEN f.last ELSE coalesce((SELECT id FROM edge), r.position) END,
  status = CASE WHEN f.count < $9 AND NOT EXISTS (SELECT FROM edge) THEN 'completed'::recovery_status ELSE r.status END,
  ended_at = CASE WHEN f.count < $9 AND NOT EXISTS (SELECT FROM edge) THEN now() END
FROM (SELECT count(*), (array_agg(id ORDER BY id DESC))[1] AS last FROM found) f
WHERE r.id = $1 AND r.status = 'running'
RETURNING (SELECT count(*)::int FROM brought) AS count`;

// Leans on deliveries_subscription_id_id_idx. Locked in the order of their ids, as record-attempts.ts locks them: a result
// that is being recorded is waited for, and a delivery which that made succeed is left alone. An attempt that a person
// asked for stays asked for.
const OURS = `
  FROM deliveries d
  WHERE d.subscription_id = (SELECT s.id FROM subscriptions s WHERE s.account_id = $2 AND s.id = $3) AND d.id > $4 AND d.id < $5`;
const RECOVER_FAILED = `
WITH edge AS MATERIALIZED (
  SELECT d.id ${OURS} ORDER BY d.id OFFSET $10 - 1 LIMIT 1
),
found AS MATERIALIZED (
  SELECT d.id ${OURS} AND d.id <= coalesce((SELECT id FROM edge), $5) AND d.created_at >= $6 AND d.created_at < $7 AND ${IS_FAILED}
  ORDER BY d.id LIMIT $9
),
locked AS MATERIALIZED (
  SELECT d.id FROM deliveries d WHERE d.id = ANY (ARRAY(SELECT id FROM found)) AND ${IS_FAILED} ORDER BY d.id FOR UPDATE
),
brought AS (
  UPDATE deliveries d SET
    status = CASE WHEN $8 THEN 'held'::delivery_status ELSE 'pending' END,
    status_reason = NULL,
    failure_count = 0,
    due_at = CASE WHEN NOT $8 THEN now() END,
    asked_trigger = CASE WHEN $8 THEN d.asked_trigger ELSE coalesce(d.asked_trigger, 'recovery') END,
    feed_at = CASE WHEN $8 THEN d.feed_at ELSE now() END,
    completed_at = NULL,
    recovery_id = $1
  WHERE d.id = ANY (ARRAY(SELECT id FROM locked)) AND ${IS_FAILED}
  RETURNING d.id
)
${MOVE_ON}`;

// Leans on events_account_id_id_idx, and on deliveries_event_id_idx. An event that can be seen here has the deliveries that it
// was published with, so none gets a second one of this subscription.
const EVENTS = `
  FROM events e CROSS JOIN (SELECT $3::uuid AS id, $11::text[] AS events) s
  WHERE e.account_id = $2 AND e.id > $4 AND e.id < $5`;
const RECOVER_MISSING = `
WITH edge AS MATERIALIZED (
  SELECT e.id ${EVENTS} ORDER BY e.id OFFSET $10 - 1 LIMIT 1
),
found AS MATERIALIZED (
  SELECT e.id, e.type ${EVENTS} AND e.id <= coalesce((SELECT id FROM edge), $5) AND e.created_at >= $6 AND e.created_at < $7 AND ${IS_MISSING}
  ORDER BY e.id LIMIT $9
),
brought AS (
  INSERT INTO deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at, asked_trigger, feed_at, recovery_id)
  SELECT posthorn_uuidv7(), $2, f.id, f.type, $3,
    CASE WHEN $8 THEN 'held'::delivery_status ELSE 'pending' END,
    CASE WHEN NOT $8 THEN now() END,
    CASE WHEN NOT $8 THEN 'recovery'::attempt_trigger END,
    CASE WHEN NOT $8 THEN now() END,
    $1
  FROM found f ORDER BY f.id
  RETURNING id
)
${MOVE_ON}`;
