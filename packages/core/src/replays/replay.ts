import type { Database } from '../database.js';
import type { Replay } from '../generated/prisma/client.js';
import { COUNTED_AT_ONCE, isCountedNow, readTallies } from './read-tallies.js';

/** A job in the ledger that sends deliveries again (`failed`), or events that were never delivered (`missed`). Workers advance it in bounded
 *  steps. A step and its position are one transaction, so if a worker dies, another one continues.
 *
 *  status      entered when                                                left by
 *  running     started                                                     nothing left to queue → delivering · nothing was queued →
 *                                                                          completed · cancel, or none of the subscriptions that it
 *                                                                          names is active or paused any more → canceled
 *  delivering  all that matched is queued: its deliveries are pending      none of its deliveries is pending or held → completed
 *  completed   each of its deliveries has been delivered or has failed     nothing
 *  canceled    see above; queued deliveries are still sent                 nothing
 *
 *  `delivered`, `failed` (or canceled) and `pending` (or held) count its queued deliveries. tally-replays.ts updates them until none is pending
 *  any more (`settledAt`). A delivery counts only for the last replay that queued it, so their sum may be less than `queued`.
 *
 *  Replays may overlap, even those of operators and accounts: a step locks the rows that it queues, so no delivery is queued twice at once. */
export type { Replay } from '../generated/prisma/client.js';

/** accountId null: any replay, for operators. */
export interface ReplayKey {
  accountId: string | null;
  id: string;
}

/** Returns a replay; null if it does not exist or belongs to another account. */
export async function findReplay(db: Database, { accountId, id }: ReplayKey): Promise<Replay | null> {
  const row = await db.prisma.replay.findFirst({ where: { id, ...(accountId !== null && { accountId }) } });
  return row && ((await withTallies(db, [row]))[0] ?? null);
}

/** Returns these replays in the given order, with current counts where counting is cheap. */
export async function withTallies(db: Database, rows: Replay[]): Promise<Replay[]> {
  const counted = rows.filter(isCountedNow);
  if (counted.length === 0) return rows;
  const tallies = await readTallies(db.pool, { ids: counted.map(({ id }) => id), limit: COUNTED_AT_ONCE });
  return rows.map((row) => ({ ...row, ...tallies.get(row.id) }));
}
