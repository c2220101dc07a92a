import type pg from 'pg';

const AT_ONCE = 10_000;

/** Takes everything owed back from a queue that lost its memory: each attempt is the feeder's at the moment it is due, not
 *  after its lease. What the queue still has is enqueued under the same id, and so ignored. Returns how many. Leans on
 *  pending_deliveries_feed_idx. */
export async function reclaim(pool: pg.Pool): Promise<number> {
  let reclaimed = 0;
  for (let count = AT_ONCE; count === AT_ONCE; reclaimed += count) {
    const { rowCount } = await pool.query(
      `UPDATE pending_deliveries SET feed_at = greatest(due_at, now()) WHERE id = ANY (ARRAY(
         SELECT id FROM pending_deliveries WHERE feed_at IS NOT NULL AND feed_at > greatest(due_at, now())
         LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED
       ))`,
    );
    count = rowCount ?? 0;
  }
  await pool.query('UPDATE verifications SET feed_at = now() WHERE feed_at > now()');
  return reclaimed;
}
