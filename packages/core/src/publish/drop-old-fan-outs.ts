import type pg from 'pg';

/** Deletes complete fan-outs 25 hours after their event, when its idempotency key has expired. Uses the key of
 *  fan_outs. Safe to repeat. */
export async function dropOldFanOuts(pool: pg.Pool): Promise<void> {
  await pool.query(
    `DELETE FROM fan_outs WHERE event_id < posthorn_uuid_at(now() - interval '25 hours') AND completed_at IS NOT NULL`,
  );
}
