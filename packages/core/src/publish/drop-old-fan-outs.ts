import type pg from 'pg';

/** Drops complete fan-outs a day after their event, when no publish can be repeated any more. Uses the key of fan_outs. Safe to repeat. */
export async function dropOldFanOuts(pool: pg.Pool): Promise<void> {
  await pool.query(
    `DELETE FROM fan_outs WHERE event_id < posthorn_uuid_at(now() - interval '25 hours') AND completed_at IS NOT NULL`,
  );
}
