import type { Deps } from '../deps.js';
import { findReplay, type Replay, type ReplayKey } from './replay.js';

/** Cancels a running replay; deliveries that it replayed stay pending. Returns the current replay; null if the
 *  account has no such replay. Safe to repeat: an ended replay stays unchanged. */
export async function cancelReplay({ db }: Pick<Deps, 'db'>, { accountId, id }: ReplayKey): Promise<Replay | null> {
  await db.pool.query(
    `UPDATE replays SET status = 'canceled', ended_at = now() WHERE account_id = $1 AND id = $2 AND status = 'running'`,
    [accountId, id],
  );
  return findReplay(db, { accountId, id });
}
