import type pg from 'pg';

/** Takes leave of a worker that ends: it did not die. Repeating is safe. */
export async function removeWorker(pool: pg.Pool, id: string): Promise<void> {
  await pool.query('DELETE FROM workers WHERE id = $1', [id]);
}
