import type pg from 'pg';
import type { Due } from '../deps.js';
import { LEASE_SECONDS } from '../events/insert-events.js';

/** Makes held deliveries of an active subscription due now, the oldest first, at most `limit`. Returns them: enqueue them
 *  after the commit. Leans on deliveries_held_idx. (Chosen in an ARRAY, once: joined instead, Postgres may choose anew for
 *  every row, which took minutes for 100,000.) */
export async function releaseHeld(
  client: pg.Pool | pg.PoolClient,
  { subscriptionId, limit }: { subscriptionId: string; limit: number },
): Promise<Due[]> {
  const { rows } = await client.query<Due>(
    `UPDATE deliveries d SET status = 'pending', due_at = now(), feed_at = now() + interval '${LEASE_SECONDS} seconds'
     WHERE d.id = ANY (ARRAY(
       SELECT h.id FROM deliveries h
       WHERE h.subscription_id = $1 AND h.status = 'held'
         AND EXISTS (SELECT FROM subscriptions s WHERE s.id = $1 AND s.status = 'active' AND s.deleted_at IS NULL)
       ORDER BY h.id LIMIT $2 FOR UPDATE SKIP LOCKED
     ))
     RETURNING d.id, d.attempt_count + 1 AS "attemptNumber"`,
    [subscriptionId, limit],
  );
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
