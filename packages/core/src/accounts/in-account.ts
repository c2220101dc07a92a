import type pg from 'pg';
import { inTransaction } from '../database.js';

/** The last work per account that runs or waits, by pool. */
const turns = new WeakMap<pg.Pool, Map<string, Promise<unknown>>>();

/** Runs `work` in a transaction that locks the account, so that counts of the account stay valid until it commits.
 *  Publishing is not blocked.
 *  Within a process, calls for one account run one after the other and use one connection. Returns null if the
 *  account does not exist.
 *  Lock subscriptions inside `work`, never before it. */
export function inAccount<T>(
  pool: pg.Pool,
  accountId: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T | null> {
  return inTurn(pool, accountId, () =>
    inTransaction(pool, async (client) => {
      // Compatible with the FOR KEY SHARE lock of publishing.
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
