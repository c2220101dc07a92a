import type pg from 'pg';

/** Locks an account's row until the transaction ends, so that two transactions cannot both count what it has and then both add to
 *  it. Publishing goes on meanwhile. Take this lock before the lock of a subscription. Returns false if there is no such account. */
export async function lockAccount(client: pg.PoolClient, accountId: string): Promise<boolean> {
  // Publishing holds FOR KEY SHARE, which goes together with this lock.
  const { rowCount } = await client.query('SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE', [accountId]);
  return rowCount === 1;
}
