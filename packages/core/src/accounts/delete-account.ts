import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { closeSubscriptions, FIRST_PART } from './erase-accounts.js';

/** `deletedAt`: when it was marked. `erasedRows`: how many rows workers have erased since. */
export type DeleteAccountResult =
  | { outcome: 'deleted'; deletedAt: Date; erasedRows: number }
  | { outcome: 'not_found' };

/** Subscriptions that the mark closes with it. A larger account has the rest closed by the first steps of its erasing. */
const CLOSED_WITH_THE_MARK = 1_000;

/** Marks an account in one short transaction. Nothing finds it from then on: it has no key, takes no event, and no attempt is
 *  begun for it. Workers erase its rows (erase-accounts.ts). Safe to repeat: a marked account keeps its mark. */
export function deleteAccount({ db }: Pick<Deps, 'db'>, { id }: { id: string }): Promise<DeleteAccountResult> {
  return inTransaction(db.pool, async (client) => {
    const marked = await client.query(
      `UPDATE accounts SET deleted_at = now(), name = NULL, metadata = '{}' WHERE id = $1 AND deleted_at IS NULL`,
      [id],
    );
    if (marked.rowCount === 1) {
      await client.query('INSERT INTO erasures (account_id, part) VALUES ($1, $2)', [id, FIRST_PART]);
      await closeSubscriptions(client, { accountId: id, position: '', atOnce: CLOSED_WITH_THE_MARK });
    }
    const { rows } = await client.query<{ deletedAt: Date; erasedRows: number }>(
      `SELECT a.deleted_at AS "deletedAt", e.row_count::float8 AS "erasedRows"
       FROM accounts a JOIN erasures e ON e.account_id = a.id WHERE a.id = $1`,
      [id],
    );
    return rows[0] ? { outcome: 'deleted', ...rows[0] } : { outcome: 'not_found' };
  });
}
