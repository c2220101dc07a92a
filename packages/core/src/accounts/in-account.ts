import type pg from 'pg';
import { inTransaction } from '../database.js';

/** The last work of each account that is under way or waits for its turn, by the pool that it uses. */
const turns = new WeakMap<pg.Pool, Map<string, Promise<unknown>>>();

/** Runs `work` in a transaction that has the account's row locked, so that what it counts of the account stays true until it has
 *  added to it. Publishing goes on meanwhile. In a process, the work of an account runs one at a time: however many requests of an
 *  account come at once, they use one connection. Returns null if there is no such account.
 *  `work` may lock subscriptions, never the other way round. */
export function inAccount<T>(
  pool: pg.Pool,
  accountId: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T | null> {
  return inTurn(pool, accountId, () =>
    inTransaction(pool, async (client) => {
      // Publishing holds FOR KEY SHARE, which goes together with this lock.
      const { rowCount } = await client.query(
        'SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
        [accountId],
      );
      return rowCount === 0 ? null : work(client);
    }),
  );
}

function inTurn<T>(pool: pg.Pool, accountId: string, work: () => Promise<T>): Promise<T> {
  const ofPool = turns.get(pool) ?? new Map<string, Promise<unknown>>();
  turns.set(pool, ofPool);
  const before = ofPool.get(accountId) ?? Promise.resolve();
  const turn = before.then(
    () => work(),
    () => work(),
  );
  ofPool.set(accountId, turn);
  const leave = () => {
    if (ofPool.get(accountId) === turn) ofPool.delete(accountId);
  };
  turn.then(leave, leave);
  return turn;
}
