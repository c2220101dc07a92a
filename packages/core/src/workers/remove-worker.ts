import type pg from 'pg';

/** Removes a worker that stops, so that it is not listed as dead. Safe to repeat. */
export async function removeWorker(pool: pg.Pool, id: string): Promise<void> {
  await pool.query('DELETE FROM workers WHERE id = $1', [id]);
}
