import type { Database } from '../database.js';
import { wantsType } from '../event-types/wants-type.js';
import type { Replay as Row } from '../generated/prisma/client.js';
import { isOfEvent } from '../delivery-tables.js';
import { isExpanding } from '../publish/read-fan-outs.js';
import { lowestId } from '../id.js';

/** Sends again what a subscription did not get between two times: a job that is kept in the ledger, so that whoever runs it
 *  may die at any moment and another one goes on.
 *
 *  status      entered when                                       left by
 *  running     started; at most one per subscription              nothing left → completed · cancel, or its subscription is
 *                                                                 neither active nor paused any more → canceled
 *  completed   all that it was asked for is owed again            nothing
 *  canceled    see above; what was replayed stays so          nothing
 *
 *  `position` is the last id it looked at: it goes over ids in their order, and moves in the transaction that sends again. */
export type Replay = Row & Progress;

/** Of those replayed, how many stand how now. A delivery counts for the last replay that sent it again. */
interface Progress {
  succeeded: number;
  /** Or canceled again. */
  failed: number;
  /** Or held. */
  pending: number;
}

export interface ReplayKey {
  accountId: string;
  id: string;
}

/** One replay of an account, or null: another account's is not found. */
export async function findReplay(db: Database, { accountId, id }: ReplayKey): Promise<Replay | null> {
  const row = await db.prisma.replay.findFirst({ where: { id, accountId } });
  return row && ((await withProgress(db, [row]))[0] ?? null);
}

/** These replays with how far they are, in the order given. Uses the tables' indexes by replay. A delivery is of the same account as
 *  its replay; asked for, too, Postgres could count among all deliveries of the account. */
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

/** SQL: the delivery `d` is one that a replay of `failed` sends again. */
export const IS_FAILED = `d.status IN ('failed', 'canceled')`;

/** SQL: the event `e` is one that a replay of `missed` sends again to the subscription `s`. Whatever became of a
 *  delivery, where there is one the event is not missing, nor while its fan-out expands; and where fewer are left than it was published with, retention has
 *  dropped them, so none counts as missing. (OFFSET 0 leaves the keys as the only way: a handful of rows
 *  for each event. On tables it has no statistics of, Postgres went through all that the subscription was ever owed, for each event.) */
export const IS_MISSED = `NOT e.suppressed AND ${wantsType('e.type')} AND NOT EXISTS (
  SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} AND d.subscription_id IS NOT DISTINCT FROM s.id OFFSET 0
) AND octet_length(e.body) > 0 AND (
  e.delivery_count = 0 OR e.delivery_count <= (SELECT count(*) FROM (SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0) d)
) AND NOT ${isExpanding('e.id')}`;

const AROUND_MS = 60_000;

/** Where the ids of what was created in a time range lie: indexes know ids, and what counts is created_at. An id is of the
 *  moment it was made, created_at of the moment its transaction began, maybe by another machine's clock: within a minute,
 *  which is longer than any statement may take. */
export const idsAround = ({ since, until }: { since: Date; until: Date }): { from: string; to: string } => ({
  from: lowestId(new Date(since.getTime() - AROUND_MS)),
  to: lowestId(new Date(until.getTime() + AROUND_MS)),
});
