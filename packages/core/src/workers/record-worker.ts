import type pg from 'pg';

/** A worker that was not seen for so long is not alive: it writes every five seconds. */
export const ALIVE_SECONDS = 20;
/** One that died without leaving is listed for so long, to be looked for; then the others remove it. */
const REMEMBERED_MINUTES = 10;

/** What a worker process tells of itself. Durations, not times: its clock may differ from the database's. */
export interface WorkerSigns {
  /** A uuid, new at each start. */
  id: string;
  hostname: string;
  version: string;
  upForMs: number;
  /** Since a job of it last ended; null: none did. */
  lastJobMsAgo: number | null;
  /** Since its dispatcher last succeeded; null: it has not. */
  lastDispatchMsAgo: number | null;
}

/** Tells that a worker is alive, and removes those that died a while ago. Repeating is what keeps it alive; one that was
 *  removed meanwhile is there again. */
export async function recordWorker(
  pool: pg.Pool,
  { id, hostname, version, upForMs, lastJobMsAgo, lastDispatchMsAgo }: WorkerSigns,
): Promise<void> {
  await pool.query({
    name: 'record-worker',
    // Its own row is not among those that go, however long it was away: no statement may change a row twice.
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
