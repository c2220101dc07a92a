import type { Database } from '../database.js';
import type { Replay } from '../generated/prisma/client.js';
import { readTallies } from './read-tallies.js';

/** Sends deliveries again (`failed`), or events that were never delivered (`missed`): a job that is kept in the ledger. Workers advance it in
 *  bounded steps. A step and its position are one transaction, so if a worker dies, another one continues.
 *
 *  status      entered when                                                left by
 *  running     started                                                     nothing left to queue → delivering · nothing was queued →
 *                                                                          completed · cancel, or none of the subscriptions that it
 *                                                                          names is active or paused any more → canceled
 *  delivering  all that matched is queued: its deliveries are pending      none of its deliveries is pending or held → completed
 *  completed   each of its deliveries has been delivered or has failed     nothing
 *  canceled    see above; what was queued is still sent                    nothing
 *
 *  Of the queued deliveries, `delivered`, `failed` (or canceled) and `pending` (or held) say how they stand. tally-replays.ts counts them, a last
 *  time when none is pending any more (`settledAt`). A delivery counts for the last replay that queued it: so together they may be fewer
 *  than were queued.
 *
 *  Replays may overlap, also those of operators with those of accounts: a step locks what it queues, so none sends anything twice at once. */
export type { Replay } from '../generated/prisma/client.js';

/** accountId null: any replay, for operators. */
export interface ReplayKey {
  accountId: string | null;
  id: string;
}

/** One replay, or null: another account's is not found. */
export async function findReplay(db: Database, { accountId, id }: ReplayKey): Promise<Replay | null> {
  const row = await db.prisma.replay.findFirst({ where: { id, ...(accountId !== null && { accountId }) } });
  return row && ((await withTallies(db, [row]))[0] ?? null);
}

/** Up to this many queued deliveries are counted when somebody looks. Of a larger replay, the last tally of the workers is shown. */
const COUNTED_AT_ONCE = 2_000;

/** These replays, in the order given, with their deliveries counted now where that is cheap. */
export async function withTallies(db: Database, rows: Replay[]): Promise<Replay[]> {
  const counted = rows.filter(({ settledAt, queued }) => settledAt === null && queued <= COUNTED_AT_ONCE);
  if (counted.length === 0) return rows;
  const tallies = await readTallies(db.pool, { ids: counted.map(({ id }) => id), limit: COUNTED_AT_ONCE });
  return rows.map((row) => ({ ...row, ...tallies.get(row.id) }));
}
