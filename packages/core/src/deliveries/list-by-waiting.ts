import type pg from 'pg';
import { rangeOf } from './count-waiting.js';

/** A row of a list by waiting time. */
export interface WaitingPlace {
  id: string;
  /** Its oldest waiting delivery; null: nothing waits for it. */
  oldestId: string | null;
}

interface Wanted {
  /** Only rows after this one; null: the first page. */
  after: WaitingPlace | null;
  limit: number;
}

const oldestIdOf = (column: string, value: string): string =>
  `(SELECT d.id FROM pending_deliveries d WHERE ${rangeOf(column, value)} LIMIT 1)`;

// One entry of the index per account for which something waits, in the order of the index.
const WAITING_ACCOUNTS = `
WITH RECURSIVE waiting AS (
  (SELECT d.account_id, d.id FROM pending_deliveries d ORDER BY d.account_id, d.id LIMIT 1)
  UNION ALL
  SELECT next.account_id, next.id FROM waiting w CROSS JOIN LATERAL (
    SELECT d.account_id, d.id FROM pending_deliveries d WHERE d.account_id > w.account_id
    ORDER BY d.account_id, d.id LIMIT 1
  ) next
)
SELECT a.id, w.id AS "oldestId" FROM waiting w JOIN accounts a ON a.id = w.account_id AND a.deleted_at IS NULL
WHERE $1::uuid IS NULL OR (w.id, w.account_id) > ($1, $2::varchar)
ORDER BY w.id, w.account_id LIMIT $3`;

const OTHER_ACCOUNTS = `
SELECT a.id, NULL AS "oldestId" FROM accounts a
WHERE a.id > $1::varchar AND a.deleted_at IS NULL AND ${oldestIdOf('account_id', 'a.id')} IS NULL
ORDER BY a.id LIMIT $2`;

/** Lists the accounts: those whose oldest delivery has waited longest first, then those without waiting deliveries, by id. Uses the index of
 *  pending_deliveries by account; reads one entry for each account for which something waits. */
export async function listAccountsByWaiting(pool: pg.Pool, { after, limit }: Wanted): Promise<WaitingPlace[]> {
  const isAmongOthers = after !== null && after.oldestId === null;
  const waiting = isAmongOthers
    ? []
    : (
        await pool.query<WaitingPlace>({
          name: 'list-waiting-accounts',
          text: WAITING_ACCOUNTS,
          values: [after?.oldestId ?? null, after?.id ?? '', limit],
        })
      ).rows;
  if (waiting.length === limit) return waiting;
  const others = await pool.query<WaitingPlace>({
    name: 'list-other-accounts',
    text: OTHER_ACCOUNTS,
    values: [isAmongOthers ? after.id : '', limit - waiting.length],
  });
  return [...waiting, ...others.rows];
}

const SUBSCRIPTIONS = `
SELECT s.id, s.oldest_id AS "oldestId" FROM (
  SELECT s.id, ${oldestIdOf('subscription_id', 's.id')} AS oldest_id FROM subscriptions s
  WHERE s.account_id = $1 AND s.deleted_at IS NULL AND ($2::text[] IS NULL OR s.status::text = ANY ($2))
) s
WHERE $4::uuid IS NULL
  OR ($3::uuid IS NULL AND s.oldest_id IS NULL AND s.id < $4)
  OR ($3 IS NOT NULL AND (s.oldest_id > $3 OR (s.oldest_id = $3 AND s.id < $4) OR s.oldest_id IS NULL))
ORDER BY s.oldest_id NULLS LAST, s.id DESC LIMIT $5`;

/** Lists the subscriptions of an account: those whose oldest delivery has waited longest first, then those without waiting deliveries, newest
 *  first. Uses the index of pending_deliveries by subscription; reads one entry for each subscription of the account. */
export async function listSubscriptionsByWaiting(
  pool: pg.Pool,
  { accountId, statuses, after, limit }: Wanted & { accountId: string; statuses?: string[] | undefined },
): Promise<WaitingPlace[]> {
  const { rows } = await pool.query<WaitingPlace>({
    name: 'list-subscriptions-by-waiting',
    text: SUBSCRIPTIONS,
    values: [accountId, statuses ?? null, after?.oldestId ?? null, after?.id ?? null, limit],
  });
  return rows;
}
