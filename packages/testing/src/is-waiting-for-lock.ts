import type pg from 'pg';

/** Whether a session of this database waits for a lock. pg_locks would show those of other databases, too, and so of other tests. */
export async function isWaitingForLock(client: Pick<pg.Pool | pg.Client, 'query'>): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}
