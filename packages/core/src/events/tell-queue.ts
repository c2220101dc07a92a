import type { Deps } from '../deps.js';
import { dispatchSoon } from '../dispatch/dispatch-soon.js';
import type { InsertedEvent } from './insert-events.js';

/** Tells the queue what is to be made now of events that were stored, after their commit. Never throws: what the queue does
 *  not take, and what is deferred, the dispatcher finds. */
export async function tellQueue(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  inserted: InsertedEvent[],
): Promise<void> {
  const ids = inserted.flatMap(({ directIds }) => directIds);
  if (ids.length === 0) return;
  // Who has little under way goes before who has much.
  const ranks = inserted.flatMap(({ directRanks }) => directRanks);
  const taken = await enqueue(
    'deliver',
    ids.map((id, n) => ({ id, attemptNumber: 1, rank: ranks[n] ?? 0 })),
  );
  if (!taken) await dispatchSoon(db, ids);
}
