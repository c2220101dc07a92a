import type pg from 'pg';
import { CHANGED_AT_ONCE } from './hold-deliveries.js';
import { COLUMNS } from './tables.js';

// Uses pending_deliveries_dispatch_idx.
const CANCEL = `
WITH chosen AS (
  SELECT c.id, s.deleted_at IS NOT NULL AS is_deleted FROM subscriptions s JOIN pending_deliveries c ON c.subscription_id = s.id
  WHERE s.id = $1 AND (s.status = 'disabled' AND NOT s.holds_when_disabled OR s.deleted_at IS NOT NULL) 
    AND (c.status IN ('pending', 'held') OR s.deleted_at IS NOT NULL)
  LIMIT ${CHANGED_AT_ONCE} FOR UPDATE OF c SKIP LOCKED
),
leaving AS (
  DELETE FROM pending_deliveries d WHERE d.id = ANY (ARRAY(SELECT id FROM chosen)) RETURNING ${COLUMNS}
)
INSERT INTO finished_deliveries (${COLUMNS})
SELECT id, account_id, event_id, event_type, subscription_id,
  CASE WHEN status IN ('pending', 'held') THEN 'canceled' ELSE status END,
  CASE
    WHEN status NOT IN ('pending', 'held') THEN status_reason
    WHEN (SELECT bool_and(is_deleted) FROM chosen) THEN 'subscription_deleted' ELSE 'subscription_disabled'
  END,
  attempt_count, failure_count, created_at, coalesce(completed_at, now()), replay_id,
  last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
FROM leaving`;

/** Cancels all that a disabled or deleted subscription is owed, pending or held, so many at a time, each in a transaction of
 *  its own: call it after the change is committed. If the subscription is neither (any more), or was disabled with hold,
 *  nothing is canceled. A deleted one has no URL, so what was asked for of its finished deliveries is given up as well. Safe to repeat
 *  and to break off: what is left, or is being written to by somebody else, is canceled when its job meets the state, or by the
 *  dispatcher. An attempt that is under way and succeeds still makes its delivery succeeded. */
export async function cancelDeliveries(pool: pg.Pool, { subscriptionId }: { subscriptionId: string }): Promise<void> {
  for (let count = CHANGED_AT_ONCE; count === CHANGED_AT_ONCE;) {
    const { rowCount } = await pool.query(CANCEL, [subscriptionId]);
    count = rowCount ?? 0;
  }
}
