import type { Deps } from '../deps.js';
import { findRecovery, type Recovery, type RecoveryKey } from './recovery.js';

/** Ends a running recovery; what it brought back already stays owed. Returns it as it is now, null if this account has none
 *  of this id. Safe to repeat: one that has ended stays as it ended. */
export async function cancelRecovery(
  { db }: Pick<Deps, 'db'>,
  { accountId, id }: RecoveryKey,
): Promise<Recovery | null> {
  await db.pool.query(
    `UPDATE recoveries SET status = 'canceled', ended_at = now() WHERE account_id = $1 AND id = $2 AND status = 'running'`,
    [accountId, id],
  );
  return findRecovery(db, { accountId, id });
}
