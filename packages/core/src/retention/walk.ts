import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { BEFORE_ALL } from './partitions.js';

/** Rows that one statement looks at: what it locks is free again within milliseconds. */
const LOOKED_AT_ONCE = 2_000;
/** Of the time, a walk works a fifth and leaves the rest to others: on a database that is busy it is slower by itself. */
const PAUSES_PER_WORK = 4;
const LONGEST_PAUSE_MS = 2_000;

export interface Walk {
  /** Looks at rows of keys between $1 and $2, in their order, in a CTE named `looked`; `changed` does what is to be done with all rows
   *  of these keys. */
  table: string;
  /** Default: `id`. */
  key?: string;
  changed: string;
  /** Ids before this one; the walk ends there. */
  until: string;
  /** Where to begin, if not at the beginning. */
  after?: string;
}

/** Goes through a table's old rows in the order of their ids, a few at a time, each step a statement of its own: breaking off
 *  loses nothing and keeps what was done. Returns how many were changed and where it got to. */
export async function walk(
  client: pg.ClientBase,
  { table, key = 'id', changed, until, after = BEFORE_ALL }: Walk,
  signal: AbortSignal,
): Promise<{ count: number; position: string }> {
  let count = 0;
  let position = after;
  while (!signal.aborted) {
    const start = performance.now();
    const { rows } = await client.query<{ last: string | null; looked: number; count: number }>(
      `WITH looked AS (SELECT ${key} AS id FROM ${table} WHERE ${key} > $1 AND ${key} < $2 ORDER BY ${key} LIMIT ${LOOKED_AT_ONCE}),
       changed AS (${changed} RETURNING 1)
       SELECT (SELECT id FROM looked ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM looked)::int AS looked,
         (SELECT count(*) FROM changed)::int AS count`,
      [position, until],
    );
    const [step] = rows;
    count += step?.count ?? 0;
    position = step?.last ?? position;
    if ((step?.looked ?? 0) < LOOKED_AT_ONCE) break;
    const pauseMs = Math.min((performance.now() - start) * PAUSES_PER_WORK, LONGEST_PAUSE_MS);
    await pause(pauseMs, undefined, { signal }).catch(() => {});
  }
  return { count, position };
}
