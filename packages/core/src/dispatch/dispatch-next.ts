import { openBatch } from '../batch.js';
import type { Deps } from '../deps.js';
import { dispatchShards } from './dispatch.js';
import { findDueShards } from './due-subscriptions.js';
import { openWaker } from './wake.js';

/** Lets the next delivery of a strict order go, without waiting for the dispatcher's next round. */
export interface NextDispatch {
  /** Looks at a shard in which a delivery has ended, once for all who ask meanwhile. Best effort, never throws: the dispatcher looks, too. */
  look(shard: number): Promise<void>;
}

export function openNextDispatch({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): NextDispatch {
  const wake = openWaker(db.pool);
  const looks = openBatch<number, null>({
    maxSize: 1_000,
    maxRuns: 1,
    async run(shards) {
      const enqueued = await dispatchShards({ db, enqueue }, [...new Set(shards)]);
      // Another process may look at the shard just now, and not see what has ended here.
      if (enqueued === 0 && (await findDueShards(db.pool)).due.length > 0) wake();
      return shards.map(() => null);
    },
  });
  return {
    async look(shard) {
      await looks.add(shard).catch(() => {
        // The dispatcher finds the entry of the subscription.
      });
    },
  };
}
