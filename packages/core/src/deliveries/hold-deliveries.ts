import type pg from 'pg';
import type { SubscriptionKey } from '../subscriptions/subscription.js';

/** Deliveries changed by one statement. Few enough that a result which is to be recorded meanwhile, and all the others that
 *  share its statement, wait for milliseconds, however much is owed; and that no statement meets its timeout. */
export const CHANGED_AT_ONCE = 2_000;

/** Holds what a subscription is owed that is paused, or disabled with hold, so many at a time, each in a transaction of its
 *  own: call it after the change is committed. If the subscription is neither (any more), nothing is held. Safe to repeat and
 *  to break off: what is left pending, or is being written to by somebody else, is held when its job meets the state. An
 *  attempt that a person asked for stays asked for; a replay asks for nothing that a pause would not hold. Uses
 *  pending_deliveries_dispatch_idx. */
export async function holdDeliveries(pool: pg.Pool, { accountId, id }: SubscriptionKey): Promise<void> {
  for (let count = CHANGED_AT_ONCE; count === CHANGED_AT_ONCE;) {
    const { rowCount } = await pool.query(
      `UPDATE pending_deliveries d SET status = 'held', due_at = NULL,
         asked_trigger = nullif(d.asked_trigger, 'replay'),
         leased_until = CASE WHEN nullif(d.asked_trigger, 'replay') IS NOT NULL THEN coalesce(d.leased_until, now()) END
       WHERE d.id = ANY (ARRAY(
         SELECT p.id FROM subscriptions s JOIN pending_deliveries p ON p.subscription_id = s.id
         WHERE s.account_id = $1 AND s.id = $2 AND (s.status = 'paused' OR s.status = 'disabled' AND s.holds_when_disabled)
           AND s.deleted_at IS NULL
           AND p.due_at IS NOT NULL
         LIMIT ${CHANGED_AT_ONCE} FOR UPDATE OF p SKIP LOCKED
       ))`,
      [accountId, id],
    );
    count = rowCount ?? 0;
  }
}
