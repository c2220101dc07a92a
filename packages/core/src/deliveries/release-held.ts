import type pg from 'pg';
import { CHANGED_AT_ONCE } from './hold-deliveries.js';

/** Makes held deliveries of an active subscription pending, the oldest first, so many in one call; the feeder hands them out,
 *  the oldest first, as the subscription has room. Returns how many: as many as CHANGED_AT_ONCE means that more are held.
 *  Leans on pending_deliveries_held_idx. (Chosen in an ARRAY, once: joined instead, Postgres may choose anew for every row, which took
 *  minutes for 100,000.) */
export async function releaseHeld(
  client: pg.Pool | pg.PoolClient,
  { subscriptionId }: { subscriptionId: string },
): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE pending_deliveries d SET status = 'pending', due_at = now(), feed_at = least(d.created_at, now())
     WHERE d.status = 'held' AND d.id = ANY (ARRAY(
       SELECT h.id FROM pending_deliveries h
       WHERE h.subscription_id = $1 AND h.status = 'held'
         AND EXISTS (SELECT FROM subscriptions s WHERE s.id = $1 AND s.status = 'active' AND s.deleted_at IS NULL)
       ORDER BY h.id LIMIT ${CHANGED_AT_ONCE} FOR UPDATE SKIP LOCKED
     ))`,
    [subscriptionId],
  );
  return rowCount ?? 0;
}
