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
  /** Only rows of this account; `looked` has its id, too. Default: all rows. */
  accountId?: string;
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
  { table, key = 'id', accountId, changed, until, after = BEFORE_ALL }: Walk,
  signal: AbortSignal,
): Promise<{ count: number; position: string }> {
  const [column, isIts] = accountId === undefined ? ['', ''] : ['account_id, ', 'account_id = $3 AND '];
  let count = 0;
  let position = after;
  while (!signal.aborted) {
    const start = performance.now();
    const { rows } = await client.query<{ last: string | null; looked: number; count: number }>(
      `WITH looked AS (
         SELECT ${column}${key} AS id FROM ${table} WHERE ${isIts}${key} > $1 AND ${key} < $2 ORDER BY ${key} LIMIT ${LOOKED_AT_ONCE}
       ),
       changed AS (${changed} RETURNING 1)
       SELECT (SELECT id FROM looked ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM looked)::int AS looked,
         (SELECT count(*) FROM changed)::int AS count`,
      [position, until, ...(accountId === undefined ? [] : [accountId])],
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

/** The same for a table whose key begins with the account: account by account. It got to `until`, or (when it was broken off) nowhere. */
export async function walkAccounts(
  client: pg.ClientBase,
  { after = BEFORE_ALL, ...walked }: Omit<Walk, 'key' | 'accountId'>,
  signal: AbortSignal,
): Promise<{ count: number; position: string }> {
  let count = 0;
  let last = '';
  while (!signal.aborted) {
    const { rows } = await client.query<{ id: string }>(
      `SELECT a.id FROM accounts a CROSS JOIN LATERAL (
         SELECT FROM ${walked.table} WHERE account_id = a.id AND id > $2 AND id < $3 LIMIT 1
       ) has WHERE a.id > $1 ORDER BY a.id LIMIT 1`,
      [last, after, walked.until],
    );
    const [account] = rows;
    if (!account) return { count, position: walked.until };
    count += (await walk(client, { ...walked, after, accountId: account.id }, signal)).count;
    last = account.id;
  }
  return { count, position: after };
}
