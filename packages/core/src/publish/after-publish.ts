import type { Deps } from '../deps.js';
import { openWaker } from '../dispatch/wake.js';
import type { InsertedEvent } from './insert-events.js';
import { enqueueInserted } from './enqueue-inserted.js';

/** Background work of a publisher, which publish calls do not wait for. */
export interface AfterPublish {
  /** Enqueues the deliveries of stored events that may be sent now. Wakes the dispatcher and the expanders for the
   *  others. */
  enqueueStored(inserted: InsertedEvent[]): void;
  /** Adds work that drain() waits for. `work` must not throw. */
  add(work: Promise<void>): void;
  /** Resolves when all started work has ended. */
  drain(): Promise<void>;
}

export function openAfterPublish({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): AfterPublish {
  const inFlight = new Set<Promise<void>>();
  const wakeDispatcher = openWaker(db.pool);
  const wakeExpanders = openWaker(db.pool, 'fan_out');

  function add(work: Promise<void>): void {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  }

  return {
    enqueueStored(inserted) {
      if (inserted.some(({ deferredCount }) => deferredCount > 0)) wakeDispatcher();
      if (inserted.some(({ isFanOut }) => isFanOut)) wakeExpanders();
      add(enqueueInserted({ db, enqueue }, inserted));
    },
    add,
    async drain() {
      await Promise.all(inFlight);
    },
  };
}
