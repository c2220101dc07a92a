import type pg from 'pg';
import { COLUMNS } from '../delivery-tables.js';

/** Ends a delivery whose payload was erased while an attempt was being requested. A finished delivery keeps its
 *  status; a pending one is canceled. Does nothing if the event still has a payload. */
export async function giveUpErased(pool: pg.Pool, { id }: { id: string }): Promise<void> {
  await pool.query(
    `WITH leaving AS (
       DELETE FROM pending_deliveries d USING events e
       WHERE d.id = $1 AND e.account_id = d.account_id AND e.id = d.event_id AND octet_length(e.body) = 0 RETURNING d.*
     )
     INSERT INTO finished_deliveries (${COLUMNS})
     SELECT id, account_id, event_id, event_type, subscription_id,
       CASE WHEN status IN ('pending', 'held') THEN 'canceled' ELSE status END,
       CASE WHEN status IN ('pending', 'held') THEN 'payload_erased' ELSE status_reason END,
       attempt_count, failure_count, created_at, coalesce(completed_at, now()), replay_id,
       last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
     FROM leaving`,
    [id],
  );
}
