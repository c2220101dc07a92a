import type pg from 'pg';

/** A worker that has not reported for this long is not alive. Workers report every five seconds. */
export const ALIVE_SECONDS = 20;
/** A worker that died is listed for this long, then the others remove it. */
const REMEMBERED_MINUTES = 10;

/** What a worker process reports. Durations instead of times, because its clock may differ from the database's. */
export interface WorkerSigns {
  /** A uuid, new at each start. */
  id: string;
  hostname: string;
  version: string;
  upForMs: number;
  /** Since its last job ended; null: none has. */
  lastJobMsAgo: number | null;
  /** Since its dispatcher last succeeded; null: never. */
  lastDispatchMsAgo: number | null;
}

/** Stores that a worker is alive, and removes those that died a while ago. Call it repeatedly. A worker that was
 *  removed meanwhile is added again. */
export async function recordWorker(
  pool: pg.Pool,
  { id, hostname, version, upForMs, lastJobMsAgo, lastDispatchMsAgo }: WorkerSigns,
): Promise<void> {
  await pool.query({
    name: 'record-worker',
    // Excludes its own row from the deletion: a statement must not change a row twice.
    text: `
      WITH reaped AS (
        DELETE FROM workers WHERE seen_at < now() - interval '${REMEMBERED_MINUTES} minutes' AND id <> $1::uuid
      )
      INSERT INTO workers (id, hostname, version, started_at, seen_at, last_job_at, last_dispatch_at)
      VALUES ($1::uuid, $2, $3, ${ago('$4')}, now(), ${ago('$5')}, ${ago('$6')})
      ON CONFLICT (id) DO UPDATE
        SET seen_at = excluded.seen_at, last_job_at = excluded.last_job_at, last_dispatch_at = excluded.last_dispatch_at`,
    values: [id, hostname, version, upForMs, lastJobMsAgo, lastDispatchMsAgo],
  });
}

const ago = (parameter: string) => `now() - ${parameter}::float8 * interval '1 millisecond'`;
