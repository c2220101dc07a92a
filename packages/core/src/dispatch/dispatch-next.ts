import { openBatch } from '../batch.js';
import type { Deps } from '../deps.js';
import { dispatchShards } from './dispatch.js';
import { findDueShards } from './due-subscriptions.js';
import { openWaker } from './wake.js';

/** Dispatches the next delivery of a strict order without waiting for the dispatcher's next round. */
export interface NextDispatch {
  /** Looks at a shard in which a delivery has finished. Concurrent calls for a shard share one look.
   *  Best effort, never throws: the dispatcher looks at the shard, too. */
  look(shard: number): Promise<void>;
}

export function openNextDispatch({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): NextDispatch {
  const wake = openWaker(db.pool);
  const looks = openBatch<number, null>({
    maxSize: 1_000,
    maxRuns: 1,
    async run(shards) {
      const enqueued = await dispatchShards({ db, enqueue }, [...new Set(shards)]);
      // Another process may be looking at the shard right now without seeing the delivery that finished here.
      if (enqueued === 0 && (await findDueShards(db.pool)).due.length > 0) wake();
      return shards.map(() => null);
    },
  });
  return {
    async look(shard) {
      await looks.add(shard).catch(() => {
        // The dispatcher finds the subscription's entry.
      });
    },
  };
}
