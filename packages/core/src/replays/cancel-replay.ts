import type { Deps } from '../deps.js';
import { findReplay, type Replay, type ReplayKey } from './replay.js';

/** Cancels a running replay. Queued deliveries are still sent. Returns the current replay, or null if it does not exist. Safe to repeat: a
 *  replay that is not running is unchanged. */
export async function cancelReplay({ db }: Pick<Deps, 'db'>, { accountId, id }: ReplayKey): Promise<Replay | null> {
  await db.pool.query(
    `UPDATE replays SET status = 'canceled', ended_at = now(), tally_at = now()
     WHERE id = $1 AND ($2::text IS NULL OR account_id = $2) AND status = 'running'`,
    [id, accountId],
  );
  return findReplay(db, { accountId, id });
}
