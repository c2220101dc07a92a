import type { Deps } from '../deps.js';
import { dispatchSoon } from '../dispatch/dispatch-soon.js';
import type { InsertedEvent } from './insert-events.js';

/** Tells the queue what is to be made now of events that were stored, after their commit. Never throws: what the queue does
 *  not take, and what is deferred, the dispatcher finds. */
export async function tellQueue(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  inserted: InsertedEvent[],
): Promise<void> {
  // Who has little under way goes before who has much.
  const due = inserted.flatMap(({ directIds, directRanks, leasedUntil }) =>
    directIds.map((id, n) => ({ id, attemptNumber: 1, rank: directRanks[n] ?? 0, leasedUntil })),
  );
  if (due.length === 0 || (await enqueue('deliver', due))) return;
  await dispatchSoon(
    db,
    due.map(({ id }) => id),
  );
}
