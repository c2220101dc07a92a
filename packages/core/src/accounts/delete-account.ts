import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { dropStatsOf } from '../stats/fold-stats.js';

/** Deletes an account with all that is its own, history included, in one transaction. false: there is none of this id.
 *  Jobs of it that are still queued find nothing and end. */
export async function deleteAccount({ db }: Pick<Deps, 'db'>, { id }: { id: string }): Promise<boolean> {
  return inTransaction(db.pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = '10min'`);
    // First the account itself: it waits for publishes that hold its row, and the next ones find no account.
    const { rowCount } = await client.query('DELETE FROM accounts WHERE id = $1', [id]);
    if (rowCount === 0) return false;
    // Attempts last: one that is being recorded holds its delivery until then, and the next ones find none.
    for (const table of ['deliveries', 'events', 'idempotency_keys', 'attempts']) {
      await client.query(`DELETE FROM ${table} WHERE account_id = $1`, [id]);
    }
    await dropStatsOf(client, id);
    return true;
  });
}
