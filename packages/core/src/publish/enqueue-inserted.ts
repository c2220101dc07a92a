import type { Deps } from '../deps.js';
import { dispatchSoon } from '../dispatch/dispatch-soon.js';
import type { InsertedEvent } from './insert-events.js';

/** Enqueues deliveries of stored events that may be sent now. Call it after the commit.
 *  Never throws: the dispatcher finds deferred deliveries and those that the queue does not accept. */
export async function enqueueInserted(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  inserted: InsertedEvent[],
): Promise<void> {
  // A subscription with few deliveries in flight goes before one with many.
  const due = inserted.flatMap(({ directIds, directRanks, leasedUntil }) =>
    directIds.map((id, n) => ({ id, attemptNumber: 1, rank: directRanks[n] ?? 0, leasedUntil })),
  );
  if (due.length === 0 || (await enqueue('deliver', due))) return;
  await dispatchSoon(
    db,
    due.map(({ id }) => id),
  );
}
