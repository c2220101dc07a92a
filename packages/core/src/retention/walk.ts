import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { BEFORE_ALL } from './partitions.js';

/** Rows per statement: few, so its locks end within milliseconds. */
const ROWS_PER_STEP = 2_000;
/** A walk works a fifth of the time and pauses otherwise, so it slows down on a busy database. */
const PAUSES_PER_WORK = 4;
const LONGEST_PAUSE_MS = 2_000;

export interface Walk {
  /** The CTE `scanned` reads rows with keys between $1 and $2, in order. `changed` changes all rows with these keys. */
  table: string;
  /** Default: `id`. */
  key?: string;
  /** Only rows of this account, whose id `scanned` includes. Default: all rows. */
  accountId?: string;
  changed: string;
  /** The walk ends before this id. */
  until: string;
  /** Starts after this id. Default: the first row. */
  after?: string;
}

/** Walks through a table's old rows in id order, a few at a time. Each step is its own statement, so it can stop at
 *  any time. Returns how many rows were changed and the last position. */
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
    const { rows } = await client.query<{ last: string | null; scanned: number; count: number }>(
      `WITH scanned AS (
         SELECT ${column}${key} AS id FROM ${table} WHERE ${isIts}${key} > $1 AND ${key} < $2 ORDER BY ${key} LIMIT ${ROWS_PER_STEP}
       ),
       changed AS (${changed} RETURNING 1)
       SELECT (SELECT id FROM scanned ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM scanned)::int AS scanned,
         (SELECT count(*) FROM changed)::int AS count`,
      [position, until, ...(accountId === undefined ? [] : [accountId])],
    );
    const [step] = rows;
    count += step?.count ?? 0;
    position = step?.last ?? position;
    if ((step?.scanned ?? 0) < ROWS_PER_STEP) break;
    const pauseMs = Math.min((performance.now() - start) * PAUSES_PER_WORK, LONGEST_PAUSE_MS);
    await pause(pauseMs, undefined, { signal }).catch(() => {});
  }
  return { count, position };
}

/** Like walk, account by account, for a table whose key begins with the account. The position is `until`, or
 *  unchanged if it was stopped. */
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
