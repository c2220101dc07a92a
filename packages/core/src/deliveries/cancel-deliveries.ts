import type pg from 'pg';

export type CancelReason = 'subscription_disabled' | 'subscription_deleted';

/** Cancels all that a subscription is owed, pending or held. Safe to repeat; returns how many. An attempt that is under way
 *  and succeeds still makes its delivery succeeded. Leans on deliveries_feed_idx and deliveries_held_idx. */
export async function cancelDeliveries(
  client: pg.Pool | pg.PoolClient,
  { subscriptionId, reason }: { subscriptionId: string; reason: CancelReason },
): Promise<number> {
  let canceled = 0;
  for (const [status, condition] of [
    ['pending', 'feed_at IS NOT NULL'],
    ['held', 'true'],
  ] as const) {
    const { rowCount } = await client.query(
      `UPDATE deliveries SET status = 'canceled', status_reason = $2, due_at = NULL, asked_trigger = NULL, feed_at = NULL, completed_at = now()
       WHERE subscription_id = $1 AND ${condition} AND status = '${status}'`,
      [subscriptionId, reason],
    );
    canceled += rowCount ?? 0;
  }
  return canceled;
}
