import type pg from 'pg';

/** Gives a delivery up whose event's payload is kept no longer: it was asked for while the payload was being emptied. What
 *  was settled stays as it is. Without an effect while there is something to send. */
export async function giveUpErased(pool: pg.Pool, { id }: { id: string }): Promise<void> {
  await pool.query(
    `UPDATE deliveries d SET
       status = CASE WHEN d.status IN ('pending', 'held') THEN 'canceled' ELSE d.status END,
       status_reason = CASE WHEN d.status IN ('pending', 'held') THEN 'payload_erased' ELSE d.status_reason END,
       completed_at = coalesce(d.completed_at, now()), due_at = NULL, asked_trigger = NULL, feed_at = NULL
     FROM events e WHERE d.id = $1 AND e.id = d.event_id AND octet_length(e.body) = 0`,
    [id],
  );
}
