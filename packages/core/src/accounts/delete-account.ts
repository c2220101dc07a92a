import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { closeSubscriptions, FIRST_PART } from './erase-accounts.js';

/** `deletedAt`: when the account was marked as deleted. `erasedRows`: how many rows workers have erased since. */
export type DeleteAccountResult =
  | { outcome: 'deleted'; deletedAt: Date; erasedRows: number }
  | { outcome: 'not_found' };

/** How many subscriptions are closed together with the mark. The erasure closes the rest of a larger account first. */
const CLOSED_AT_ONCE = 1_000;

/** Marks an account as deleted in one short transaction. From then on it cannot be found: its keys are invalid, it
 *  accepts no events, and no attempts start for it. Workers erase its rows (erase-accounts.ts). Safe to repeat. */
export function deleteAccount({ db }: Pick<Deps, 'db'>, { id }: { id: string }): Promise<DeleteAccountResult> {
  return inTransaction(db.pool, async (client) => {
    const marked = await client.query(
      `UPDATE accounts SET deleted_at = now(), name = NULL, metadata = '{}' WHERE id = $1 AND deleted_at IS NULL`,
      [id],
    );
    if (marked.rowCount === 1) {
      await client.query('INSERT INTO erasures (account_id, part) VALUES ($1, $2)', [id, FIRST_PART]);
      await closeSubscriptions(client, { accountId: id, position: '', atOnce: CLOSED_AT_ONCE });
    }
    const { rows } = await client.query<{ deletedAt: Date; erasedRows: number }>(
      `SELECT a.deleted_at AS "deletedAt", e.row_count::float8 AS "erasedRows"
       FROM accounts a JOIN erasures e ON e.account_id = a.id WHERE a.id = $1`,
      [id],
    );
    return rows[0] ? { outcome: 'deleted', ...rows[0] } : { outcome: 'not_found' };
  });
}
