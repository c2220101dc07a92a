import { ACCOUNT_NOTIFICATIONS } from '@posthorn/contract';
import type pg from 'pg';
import { matchesType } from '../event-types/matches-type.js';

/** Counts the active and paused subscriptions for each of some types, of one account or of all (null). Reads the
 *  subscriptions once and groups them by their event types. Notifications count only where they are named
 *  (operational-events/insert-notifications.ts). */
export async function countSubscriptionsByType(
  pool: pg.Pool,
  { accountId, types }: { accountId: string | null; types: string[] },
): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ type: string; count: number }>({
    name: accountId === null ? 'count-subscriptions-by-type' : 'count-subscriptions-by-type-in-account',
    text: `
      SELECT t.type, coalesce(sum(s.count), 0)::int AS count
      FROM unnest($1::text[]) AS t (type) LEFT JOIN (
        SELECT events, count(*) FROM subscriptions
        WHERE deleted_at IS NULL AND status IN ('active', 'paused') ${accountId === null ? '' : 'AND account_id = $2'}
        GROUP BY events
      ) s ON CASE WHEN t.type = ANY ('{${ACCOUNT_NOTIFICATIONS.join()}}'::text[]) THEN t.type = ANY (s.events) ELSE ${matchesType('t.type')} END
      GROUP BY t.type`,
    values: accountId === null ? [types] : [types, accountId],
  });
  return new Map(rows.map(({ type, count }) => [type, count]));
}

/** Counts the subscriptions of some accounts, in any status. */
export async function countSubscriptions(pool: pg.Pool, accountIds: string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; count: number }>({
    name: 'count-subscriptions',
    text: `SELECT account_id AS id, count(*)::int AS count FROM subscriptions
      WHERE account_id = ANY ($1::text[]) AND deleted_at IS NULL GROUP BY account_id`,
    values: [accountIds],
  });
  return new Map(rows.map(({ id, count }) => [id, count]));
}
