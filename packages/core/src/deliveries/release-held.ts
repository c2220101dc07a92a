import type pg from 'pg';
import { CHANGED_AT_ONCE } from './hold-deliveries.js';

/** Makes held deliveries of an active subscription pending, the oldest first, so many in one call; the dispatcher hands them out, as the
 *  subscription has room. Each is due a millisecond after the one before it, so they go in their order. Returns how many: as many as
 *  CHANGED_AT_ONCE means that more are held. Uses pending_deliveries_held_idx. */
export async function releaseHeld(
  client: pg.Pool | pg.PoolClient,
  { subscriptionId }: { subscriptionId: string },
): Promise<number> {
  const { rowCount } = await client.query(
    `WITH chosen AS MATERIALIZED (
       SELECT h.id FROM pending_deliveries h
       WHERE h.subscription_id = $1 AND h.status = 'held'
         AND EXISTS (SELECT FROM subscriptions s WHERE s.id = $1 AND s.status = 'active' AND s.deleted_at IS NULL)
       ORDER BY h.id LIMIT ${CHANGED_AT_ONCE} FOR UPDATE SKIP LOCKED
     ),
     placed AS MATERIALIZED (
       SELECT id, row_number() OVER (ORDER BY id DESC) - 1 AS behind FROM chosen
     )
     UPDATE pending_deliveries d SET status = 'pending', due_at = now() - p.behind * interval '1 millisecond'
     FROM placed p WHERE d.id = p.id AND d.status = 'held'`,
    [subscriptionId],
  );
  return rowCount ?? 0;
}
