import type pg from 'pg';
import { CHANGED_AT_ONCE } from './hold-deliveries.js';

/** Cancels all that a disabled or deleted subscription is owed, pending or held, so many at a time, each in a transaction of
 *  its own: call it after the change is committed. If the subscription is neither (any more), or was disabled with hold,
 *  nothing is canceled. A deleted one has no URL, so what was asked for of its settled deliveries is given up as well. Safe to repeat and to break off: what
 *  is left, or is being written to by somebody else, is canceled when its job meets the state, or by the feeder. An attempt
 *  that is under way and succeeds still makes its delivery succeeded. Leans on deliveries_feed_idx and deliveries_held_idx. */
export async function cancelDeliveries(pool: pg.Pool, { subscriptionId }: { subscriptionId: string }): Promise<void> {
  for (const condition of [
    `c.feed_at IS NOT NULL AND (c.status IN ('pending', 'held') OR s.deleted_at IS NOT NULL)`,
    `c.status = 'held'`,
  ]) {
    for (let count = CHANGED_AT_ONCE; count === CHANGED_AT_ONCE;) {
      const { rowCount } = await pool.query(
        `UPDATE deliveries d SET
           status = CASE WHEN d.status IN ('pending', 'held') THEN 'canceled' ELSE d.status END,
           status_reason = CASE
             WHEN d.status NOT IN ('pending', 'held') THEN d.status_reason
             WHEN s.deleted_at IS NULL THEN 'subscription_disabled' ELSE 'subscription_deleted'
           END,
           completed_at = coalesce(d.completed_at, now()), due_at = NULL, asked_trigger = NULL, feed_at = NULL
         FROM subscriptions s
         WHERE s.id = $1 AND d.id = ANY (ARRAY(
           SELECT c.id FROM subscriptions s JOIN deliveries c ON c.subscription_id = s.id
           WHERE s.id = $1 AND (s.status = 'disabled' AND NOT s.holds_when_disabled OR s.deleted_at IS NOT NULL) AND ${condition}
           LIMIT ${CHANGED_AT_ONCE} FOR UPDATE OF c SKIP LOCKED
         ))`,
        [subscriptionId],
      );
      count = rowCount ?? 0;
    }
  }
}
