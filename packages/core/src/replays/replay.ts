import type { Database } from '../database.js';
import { matchesType } from '../event-types/matches-type.js';
import type { Replay as Row } from '../generated/prisma/client.js';
import { isOfEvent } from '../delivery-tables.js';
import { isExpanding } from '../publish/read-fan-outs.js';
import { lowestId } from '../id.js';

/** Sends failed or missed events of a time range to a subscription again. The ledger stores the job, so after a crash another process
 *  continues it.
 *
 *  status      entered when                                       left by
 *  running     started; at most one per subscription              nothing left → completed · cancel, or its subscription is
 *                                                                 neither active nor paused any more → canceled
 *  completed   all matching deliveries are pending again          nothing
 *  canceled    see above; replayed deliveries stay pending        nothing
 *
 *  `position` is the last id that was read, in id order. It moves in the transaction that makes the deliveries pending. */
export type Replay = Row & Progress;

/** How many replayed deliveries are now in each state. A delivery counts for the last replay that sent it again. */
interface Progress {
  succeeded: number;
  /** Includes those that were canceled again. */
  failed: number;
  /** Includes held ones. */
  pending: number;
}

export interface ReplayKey {
  accountId: string;
  id: string;
}

/** Returns a replay of an account; null if it does not exist or belongs to another account. */
export async function findReplay(db: Database, { accountId, id }: ReplayKey): Promise<Replay | null> {
  const row = await db.prisma.replay.findFirst({ where: { id, accountId } });
  return row && ((await withProgress(db, [row]))[0] ?? null);
}

/** Returns the replays with their progress, in the given order. Uses the tables' indexes by replay. It has no
 *  condition on the account: with one, Postgres might count all deliveries of the account. */
export async function withProgress(db: Database, rows: Row[]): Promise<Replay[]> {
  if (rows.length === 0) return [];
  const counts = await db.prisma.delivery.groupBy({
    by: ['replayId', 'status'],
    where: { replayId: { in: rows.map(({ id }) => id) } },
    _count: true,
  });
  const countOf = (id: string, ...statuses: string[]) =>
    counts
      .filter(({ replayId, status }) => replayId === id && statuses.includes(status))
      .reduce((sum, { _count }) => sum + _count, 0);
  return rows.map((row) => ({
    ...row,
    succeeded: countOf(row.id, 'succeeded'),
    failed: countOf(row.id, 'failed', 'canceled'),
    pending: countOf(row.id, 'pending', 'held'),
  }));
}

/** SQL: a replay of `failed` sends the delivery `d` again. */
export const IS_FAILED = `d.status IN ('failed', 'canceled')`;

/** SQL: a replay of `missed` sends the event `e` to the subscription `s`. An event with a delivery, in any status,
 *  is not missed, nor is one that is expanding. If retention has dropped deliveries of an event, so that fewer are
 *  left than were published, it does not count as missed.
 *  (OFFSET 0 forces the use of the keys, which give a handful of rows per event. Without statistics, Postgres read
 *  all deliveries of the subscription for each event.) */
export const IS_MISSED = `NOT e.suppressed AND ${matchesType('e.type')} AND NOT EXISTS (
  SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} AND d.subscription_id IS NOT DISTINCT FROM s.id OFFSET 0
) AND octet_length(e.body) > 0 AND (
  e.delivery_count = 0 OR e.delivery_count <= (SELECT count(*) FROM (SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0) d)
) AND NOT ${isExpanding('e.id')}`;

const AROUND_MS = 60_000;

/** Returns the id range of rows that were created in a time range: indexes contain ids, but created_at counts. An id
 *  has the time of its creation, created_at that of the transaction, possibly by another clock. They differ by less
 *  than a minute, which is longer than the statement timeout. */
export const idsAround = ({ since, until }: { since: Date; until: Date }): { from: string; to: string } => ({
  from: lowestId(new Date(since.getTime() - AROUND_MS)),
  to: lowestId(new Date(until.getTime() + AROUND_MS)),
});
