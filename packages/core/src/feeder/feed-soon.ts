import type { Database } from '../database.js';
import { isDatabaseAway } from '../database-away.js';

/** Hands deliveries that the queue did not take back to the feeder, which finds them within seconds rather than after the
 *  lease. Best effort: if the database is away too, the lease runs out and the feeder finds them then. */
export async function feedSoon(db: Database, deliveryIds: string[]): Promise<void> {
  try {
    await db.pool.query(
      `UPDATE deliveries SET feed_at = greatest(coalesce(due_at, now()), now() + interval '1 second')
       WHERE id = ANY ($1::uuid[]) AND feed_at IS NOT NULL`,
      [deliveryIds],
    );
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
  }
}
