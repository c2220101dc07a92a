import type { WaitingState } from '@posthorn/contract';
import type pg from 'pg';
import { readWaiting } from './why-waiting.js';

/** Maximum number of deliveries that are counted. */
const MOST_WAITING = 10_000;
/** Number of the oldest deliveries for which the result says what they wait for. */
const EXPLAINED = 200;
const SUBSCRIPTIONS = 5;
/** Maximum number of subscriptions of an account that are read, newest first. */
const MOST_SUBSCRIPTIONS = 1_000;

/** Deliveries that are pending or held. */
export interface WaitingCount {
  /** At most MOST_WAITING + 1. */
  count: number;
  /** When the oldest of them was created; null: none. */
  oldestAt: Date | null;
}

export interface WaitingOfAccount extends WaitingCount {
  /** What the EXPLAINED oldest wait for, the most frequent first. */
  reasons: { state: WaitingState; count: number }[];
  /** Those whose deliveries have waited longest, at most SUBSCRIPTIONS. */
  subscriptions: (WaitingCount & { id: string; url: string })[];
}

const FIRST_ID = `'00000000-0000-0000-0000-000000000000'::uuid`;
const LAST_ID = `'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid`;

/** SQL: the waiting deliveries `d` with this value, the oldest first. Compared as rows, as in newest-first.ts: so only the index with that
 *  column and the id has the order. */
export const rangeOf = (column: string, value: string): string =>
  `(d.${column}, d.id) >= (${value}, ${FIRST_ID}) AND (d.${column}, d.id) <= (${value}, ${LAST_ID}) ORDER BY d.${column}, d.id`;
const countOf = (column: string, value: string, most = `${MOST_WAITING}`): string =>
  `(SELECT count(*)::int FROM (SELECT FROM pending_deliveries d WHERE ${rangeOf(column, value)} LIMIT ${most} + 1) d)`;
const oldestOf = (column: string, value: string): string =>
  `(SELECT d.created_at FROM pending_deliveries d WHERE ${rangeOf(column, value)} LIMIT 1)`;

/** Counts the deliveries of an account, or of one of its subscriptions, that wait for an attempt. Uses the indexes of pending_deliveries by
 *  account and by subscription; reads at most MOST_WAITING entries for the account and for each subscription that it returns, and one
 *  for each other subscription. Uses readWaiting for EXPLAINED of them. */
export async function countWaiting(
  pool: pg.Pool,
  { accountId, subscriptionId = null }: { accountId: string; subscriptionId?: string | null | undefined },
): Promise<WaitingOfAccount> {
  const { rows: subscriptions } = await pool.query<WaitingOfAccount['subscriptions'][number]>({
    name: 'count-waiting-of-subscriptions',
    text: `
      SELECT s.id, s.url, s.oldest_at AS "oldestAt", ${countOf('subscription_id', 's.id')} AS count
      FROM (
        SELECT s.id, s.url, ${oldestOf('subscription_id', 's.id')} AS oldest_at
        FROM (
          SELECT s.id, s.url FROM subscriptions s
          WHERE s.account_id = $1 AND s.deleted_at IS NULL AND ($2::uuid IS NULL OR s.id = $2)
          ORDER BY s.id DESC LIMIT ${MOST_SUBSCRIPTIONS}
        ) s
      ) s
      WHERE s.oldest_at IS NOT NULL ORDER BY s.oldest_at, s.id LIMIT ${SUBSCRIPTIONS}`,
    values: [accountId, subscriptionId],
  });
  if (subscriptionId !== null) {
    const [only] = subscriptions;
    if (!only) return { count: 0, oldestAt: null, reasons: [], subscriptions };
    const ids = await oldestIds(pool, 'subscription_id', only.id);
    return { ...only, reasons: await explain(pool, { accountId, ids }), subscriptions };
  }
  const { rows } = await pool.query<WaitingCount>({
    name: 'count-waiting',
    text: `SELECT ${countOf('account_id', '$1::varchar')} AS count, ${oldestOf('account_id', '$1::varchar')} AS "oldestAt"`,
    values: [accountId],
  });
  const ids = await oldestIds(pool, 'account_id', accountId);
  return { count: 0, oldestAt: null, ...rows[0], reasons: await explain(pool, { accountId, ids }), subscriptions };
}

const TYPES = { account_id: 'varchar', subscription_id: 'uuid' };

async function oldestIds(pool: pg.Pool, column: keyof typeof TYPES, value: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: `oldest-waiting-of-${column}`,
    text: `SELECT d.id FROM pending_deliveries d WHERE ${rangeOf(column, `$1::${TYPES[column]}`)} LIMIT ${EXPLAINED}`,
    values: [value],
  });
  return rows.map(({ id }) => id);
}

async function explain(
  pool: pg.Pool,
  oldest: { accountId: string; ids: string[] },
): Promise<WaitingOfAccount['reasons']> {
  const counts = new Map<WaitingState, number>();
  for (const { state } of (await readWaiting(pool, oldest)).values()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => ({ state, count })).toSorted((a, b) => b.count - a.count);
}

// The rows of one page of a list, so a statement reads at most as many entries per row as it counts.
const ofEach = (rows: string, column: string): string =>
  `SELECT s.id::text, ${countOf(column, 's.id', '$2::int')} AS count, ${oldestOf(column, 's.id')} AS "oldestAt" FROM ${rows}`;
const OF_ACCOUNTS = ofEach('unnest($1::varchar[]) s (id)', 'account_id');
const OF_SUBSCRIPTIONS = ofEach(
  '(SELECT id FROM subscriptions WHERE id = ANY ($1::uuid[]) AND account_id = $3) s',
  'subscription_id',
);

/** Counts the waiting deliveries of each of these accounts, up to `most` + 1. */
export const countWaitingOfAccounts = (
  pool: pg.Pool,
  { ids, most }: { ids: string[]; most: number },
): Promise<Map<string, WaitingCount>> =>
  countEach(pool, { name: 'count-waiting-of-accounts', text: OF_ACCOUNTS, values: [ids, most] });

/** Counts the waiting deliveries of each of these subscriptions of an account, up to `most` + 1. */
export const countWaitingOfSubscriptions = (
  pool: pg.Pool,
  { accountId, ids, most }: { accountId: string; ids: string[]; most: number },
): Promise<Map<string, WaitingCount>> =>
  countEach(pool, {
    name: 'count-waiting-of-each-subscription',
    text: OF_SUBSCRIPTIONS,
    values: [ids, most, accountId],
  });

async function countEach(pool: pg.Pool, query: pg.QueryConfig): Promise<Map<string, WaitingCount>> {
  const { rows } = await pool.query<WaitingCount & { id: string }>(query);
  return new Map(rows.map(({ id, ...count }) => [id, count]));
}
