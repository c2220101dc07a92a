import type { Database } from '@posthorn/core';

export interface Counters {
  /** Table rows read. */
  rows: number;
  /** Blocks of tables and indexes accessed, also for writes. */
  buffers: number;
}

/** Reads a database's counters. Each of `sessions` has one connection, which first reports its activity. */
export async function readCounters(sessions: Pick<Database, 'pool'>[]): Promise<Counters> {
  for (const { pool } of sessions) await pool.query('SELECT pg_stat_force_next_flush()');
  const found = await sessions[0]?.pool.query<Counters>(
    `SELECT (SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::float8 FROM pg_stat_user_tables) AS rows,
       (SELECT sum(coalesce(heap_blks_hit, 0) + coalesce(heap_blks_read, 0) + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0))::float8
        FROM pg_statio_user_tables) AS buffers`,
  );
  const [counters] = found?.rows ?? [];
  if (!counters) throw new Error('the counters must be one row');
  return counters;
}
