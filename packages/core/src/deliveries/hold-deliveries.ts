import type pg from 'pg';

/** Holds what a subscription is owed, in the transaction that pauses it. An attempt that was asked for stays asked for.
 *  Leans on deliveries_feed_idx: what is pending is in it. */
export async function holdDeliveries(
  client: pg.Pool | pg.PoolClient,
  { accountId, id }: { accountId: string; id: string },
): Promise<void> {
  await client.query(
    `UPDATE deliveries SET status = 'held', due_at = NULL, feed_at = CASE WHEN asked_trigger IS NOT NULL THEN feed_at END
     WHERE account_id = $1 AND subscription_id = $2 AND feed_at IS NOT NULL AND status = 'pending'`,
    [accountId, id],
  );
}
