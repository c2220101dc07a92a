import type { Database } from '@posthorn/core';

export interface Counters {
  /** Rows of tables that were read. */
  rows: number;
  /** Blocks of tables and indexes that were touched, also to write. */
  buffers: number;
}

/** What a database has counted so far. Each of `sessions` has one connection, which first reports what it has done. */
export async function readCounters(sessions: Pick<Database, 'pool'>[]): Promise<Counters> {
  for (const { pool } of sessions) await pool.query('SELECT pg_stat_force_next_flush()');
  const found = await sessions[0]?.pool.query<Counters>(
    `SELECT (SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::float8 FROM pg_stat_user_tables) AS rows,
       (SELECT sum(coalesce(heap_blks_hit, 0) + coalesce(heap_blks_read, 0) + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0))::float8
        FROM pg_statio_user_tables) AS buffers`,
  );
  const [counters] = found?.rows ?? [];
  if (!counters) throw new Error('the counters are one row');
  return counters;
}
