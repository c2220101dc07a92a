import type pg from 'pg';
import type { Deps } from '../deps.js';
import { wakeDispatchers } from '../dispatch/wake.js';
import { LEASED_FROM_NOW } from '../deliveries/lease.js';
import { isInOrder } from '../deliveries/strict-order.js';
import { KEEP_LAST_ATTEMPTS } from '../deliveries/attempt-columns.js';
import { COLUMNS } from '../delivery-tables.js';
import type { Delivery } from '../generated/prisma/client.js';

export type RequestRetryResult =
  /** attemptNumber: the number of the requested attempt. */
  | { outcome: 'requested'; delivery: Delivery; attemptNumber: number }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; reason: string };

/** Requests one attempt now, whatever the delivery's state. If it fails, a failed delivery stays failed and a
 *  pending one keeps its schedule.
 *  The request is stored in the ledger, so the attempt is made even if the queue is down. A repeated request before
 *  the attempt changes nothing. A request of a replay becomes this one, because a person waits for it. */
export async function requestRetry(
  { db, enqueue }: Deps,
  { accountId, id }: { accountId: string; id: string },
): Promise<RequestRetryResult> {
  const found = await request(db.pool, { accountId, id });
  if (!found) return { outcome: 'not_found' };
  if (found.isDeleted)
    return { outcome: 'not_possible', reason: 'its subscription was deleted, so no URL is left to send it to' };
  if (found.isErased)
    return {
      outcome: 'not_possible',
      reason: 'the payload of its event has been erased, so nothing is left to send',
    };
  const { attemptNumber } = found;
  if (attemptNumber === null) throw new Error('the requested delivery keeps moving between the tables');
  if (found.isInOrder) await wakeDispatchers(db.pool);
  // Do not pass the lease: the next request replaces it. Jobs of an earlier lease do nothing.
  else await enqueue('deliver', [{ id, attemptNumber, leasedBefore: 'expired' }]);
  const delivery = await db.prisma.delivery.findFirst({ where: { id, accountId } });
  return delivery ? { outcome: 'requested', delivery, attemptNumber } : { outcome: 'not_found' };
}

interface Requested {
  /** null: no attempt was requested. */
  attemptNumber: number | null;
  isDeleted: boolean;
  isErased: boolean;
  /** The subscription has a strict order, so the dispatcher enqueues the delivery in its turn. */
  isInOrder: boolean;
}

// A finished delivery moves to pending_deliveries until the attempt is recorded; its status stays. In a strict order
// its lease ends at once, so that the dispatcher enqueues it in its turn. A lease that a worker holds stays.
const REQUEST = `
WITH found AS (
  SELECT d.id, s.deleted_at IS NOT NULL AS is_deleted, octet_length(e.body) = 0 AS is_erased, ${isInOrder('s')} AS is_in_order
  FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id JOIN events e ON e.account_id = d.account_id AND e.id = d.event_id
  WHERE d.account_id = $1 AND d.id = $2
),
may AS (
  SELECT is_in_order FROM found WHERE NOT is_deleted AND NOT is_erased
),
pending AS (
  UPDATE pending_deliveries d SET requested_trigger = coalesce(nullif(d.requested_trigger, 'replay'), 'manual'),
    leased_until = CASE
      WHEN NOT may.is_in_order THEN ${LEASED_FROM_NOW}
      WHEN d.leased_until > now() AND (d.due_at > now()) IS NOT TRUE THEN d.leased_until
      ELSE now()
    END
  FROM may WHERE d.id = $2
  RETURNING d.attempt_count
),
leaving AS (
  DELETE FROM finished_deliveries d WHERE d.id = $2 AND EXISTS (SELECT FROM may) RETURNING d.*
),
kept AS (${KEEP_LAST_ATTEMPTS}
),
returned AS (
  INSERT INTO pending_deliveries (${COLUMNS}, requested_trigger, leased_until)
  SELECT ${COLUMNS}, 'manual', CASE WHEN (SELECT is_in_order FROM may) THEN now() ELSE ${LEASED_FROM_NOW} END FROM leaving
  RETURNING attempt_count
)
SELECT f.is_deleted AS "isDeleted", f.is_erased AS "isErased", f.is_in_order AS "isInOrder",
  (SELECT attempt_count + 1 FROM pending UNION ALL SELECT attempt_count + 1 FROM returned) AS "attemptNumber"
FROM found f`;

/** While the statement waits for a row, the delivery may move to the other table. Then the statement finds it in
 *  neither and runs again. */
const LOOKS = 5;

async function request(
  pool: pg.Pool,
  { accountId, id }: { accountId: string; id: string },
): Promise<Requested | undefined> {
  for (let look = 1; ; look += 1) {
    const { rows } = await pool.query<Requested>(REQUEST, [accountId, id]);
    const [found] = rows;
    const isMoving = found && found.attemptNumber === null && !found.isDeleted && !found.isErased;
    if (!isMoving || look === LOOKS) return found;
  }
}

/** Like requestRetry, for operators in Bull Board, who know the job but not the account. */
export async function requestRetryOfJob(deps: Deps, { id }: { id: string }): Promise<RequestRetryResult> {
  const delivery = await deps.db.prisma.delivery.findUnique({ where: { id }, select: { accountId: true } });
  return delivery ? requestRetry(deps, { accountId: delivery.accountId, id }) : { outcome: 'not_found' };
}
