import type pg from 'pg';
import { getsType } from './create-deliveries.js';
import type { Reach, ReachKey } from './reach.js';

/** Counts how many deliveries an event of a type would have in an account now, and stores the number in `reach`.
 *  It reads all subscriptions of the account, so concurrent calls for one pair share a count. Never throws: if it
 *  fails, the next publish counts. */
export function openRecount(pool: pg.Pool, reach: Pick<Reach, 'refresh'>): (key: ReachKey) => Promise<void> {
  const counting = new Map<string, Promise<void>>();

  async function count({ accountId, type }: ReachKey): Promise<void> {
    try {
      const { rows } = await pool.query<{ count: number }>({
        name: 'count-matching',
        text: `SELECT count(*)::int AS count FROM subscriptions s WHERE s.account_id = $1 AND ${getsType('$2::text')}`,
        values: [accountId, type],
      });
      if (rows[0]) reach.refresh({ accountId, type }, rows[0].count);
    } catch {
      // The cached number stays until it expires.
    }
  }

  return (key) => {
    const text = `${key.accountId}\n${key.type}`;
    const running = counting.get(text) ?? count(key).finally(() => counting.delete(text));
    counting.set(text, running);
    return running;
  };
}
