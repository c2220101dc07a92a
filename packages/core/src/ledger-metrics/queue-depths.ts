import type pg from 'pg';

/** The depth of the queues at one moment. */
export interface QueueDepth {
  /** Jobs that wait for a worker. null: the queue did not respond. */
  waiting: number | null;
  /** Due deliveries that wait in the database. */
  deferred: number;
}

/** The highest depths of a bucket. null: none was recorded. */
export interface DepthBucket {
  at: Date;
  waiting: number | null;
  deferred: number | null;
}

/** A row per minute, so at most 44,640 of them. */
const KEPT_DAYS = 31;

/** Stores the depth of this minute and drops the row that is too old. Any number of processes may call it: only the first call of a minute
 *  stores a row. Returns whether this call did. */
export async function recordQueueDepth(pool: pg.Pool, { waiting, deferred }: QueueDepth): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'record-queue-depth',
    text: `
      WITH dropped AS (DELETE FROM queue_depths WHERE at < now() - interval '${KEPT_DAYS} days')
      INSERT INTO queue_depths (at, waiting, deferred) VALUES (date_trunc('minute', now()), $1, $2)
      ON CONFLICT (at) DO NOTHING`,
    values: [waiting, deferred],
  });
  return rowCount === 1;
}

/** Returns whether this minute has a depth, so that a process does not have to read the metrics. */
export async function hasQueueDepth(pool: pg.Pool): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'has-queue-depth',
    text: `SELECT FROM queue_depths WHERE at = date_trunc('minute', now())`,
  });
  return rowCount === 1;
}

/** The highest depths of each bucket, oldest first and without gaps. Uses the key. */
export async function readQueueDepths(
  pool: pg.Pool,
  { from, to, bucketMs }: { from: Date; to: Date; bucketMs: number },
): Promise<DepthBucket[]> {
  const { rows } = await pool.query<{ bucket: number; waiting: number | null; deferred: number }>({
    name: 'read-queue-depths',
    text: `
      SELECT floor(extract(epoch FROM at - $1::timestamptz) * 1000 / $3::bigint)::int AS bucket,
        max(waiting)::float8 AS waiting, max(deferred)::float8 AS deferred
      FROM queue_depths WHERE at >= $1 AND at < $2 GROUP BY 1`,
    values: [from, to, bucketMs],
  });
  const byBucket = new Map(rows.map((row) => [row.bucket, row]));
  return Array.from({ length: (to.getTime() - from.getTime()) / bucketMs }, (_, index) => ({
    at: new Date(from.getTime() + index * bucketMs),
    waiting: byBucket.get(index)?.waiting ?? null,
    deferred: byBucket.get(index)?.deferred ?? null,
  }));
}
