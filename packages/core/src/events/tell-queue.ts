import type { Deps } from '../deps.js';
import { feedSoon } from '../feeder/feed-soon.js';
import type { InsertedEvent } from './insert-events.js';

/** Tells the queue what is to be made now of events that were stored, after their commit. Never throws: what the queue does
 *  not take, and what is parked, the feeder finds. */
export async function tellQueue(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  inserted: InsertedEvent[],
): Promise<void> {
  const ids = inserted.flatMap(({ directIds }) => directIds);
  if (ids.length === 0) return;
  const burst = new Set(inserted.flatMap(({ burstIds }) => burstIds));
  const taken = await enqueue(
    'deliver',
    ids.map((id) => ({ id, attemptNumber: 1, ...(burst.has(id) && { rank: 'burst' as const }) })),
  );
  if (!taken) await feedSoon(db, ids);
}
