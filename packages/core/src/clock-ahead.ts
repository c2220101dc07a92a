import type pg from 'pg';

/** Returns by how many milliseconds this machine's clock is ahead of the database's, at least; 0: it is not. The true
 *  difference may be larger by the time that the statement took. */
export async function readClockAhead(pool: pg.Pool, now: () => number = Date.now): Promise<number> {
  const before = now();
  const { rows } = await pool.query<{ now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
  );
  return Math.max(0, before - (rows[0]?.now ?? before));
}
