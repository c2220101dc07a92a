import type { Deps } from '../deps.js';
import { findReplay, type Replay, type ReplayKey } from './replay.js';

/** Ends a running replay; what it replayed already stays owed. Returns it as it is now, null if this account has none
 *  of this id. Safe to repeat: one that has ended stays as it ended. */
export async function cancelReplay({ db }: Pick<Deps, 'db'>, { accountId, id }: ReplayKey): Promise<Replay | null> {
  await db.pool.query(
    `UPDATE replays SET status = 'canceled', ended_at = now() WHERE account_id = $1 AND id = $2 AND status = 'running'`,
    [accountId, id],
  );
  return findReplay(db, { accountId, id });
}
