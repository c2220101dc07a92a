import type { Database } from '../database.js';

/** Hands deliveries that the queue did not take back to the dispatcher, which finds them within seconds rather than after the
 *  lease. Best effort, never throws: those that somebody else is writing to are left out, and if the database does not do it
 *  either, the lease runs out and the dispatcher finds them then. */
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
    // Nobody waits for this: it runs beside answers that were given, so a throw would end the process. The lease is what
    // holds the promise.
  }
}
