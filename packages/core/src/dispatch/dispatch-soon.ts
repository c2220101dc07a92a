import type { Database } from '../database.js';

/** Shortens the leases of deliveries that the queue did not accept, so that the dispatcher finds them within
 *  seconds.
 *  Best effort, never throws: it skips locked rows. If the database fails too, the dispatcher finds them when their
 *  leases end. */
export async function dispatchSoon(db: Database, deliveryIds: string[]): Promise<void> {
  try {
    await db.pool.query(
      `UPDATE pending_deliveries d SET leased_until = greatest(d.due_at, now() + interval '1 second')
       WHERE d.id = ANY (ARRAY(
         SELECT id FROM pending_deliveries WHERE id = ANY ($1::uuid[]) AND leased_until IS NOT NULL FOR UPDATE SKIP LOCKED
       ))`,
      [deliveryIds],
    );
  } catch {
    // This runs in the background, so an error would end the process. The lease guarantees the delivery anyway.
  }
}
