import type { Deps } from '../deps.js';
import { openWaker } from '../dispatch/wake.js';
import type { InsertedEvent } from './insert-events.js';
import { tellQueue } from './tell-queue.js';

/** What a publisher does beside its answers, which do not wait for it. */
export interface AfterPublish {
  /** Enqueues what is to be made now of events that were stored, and wakes who makes the rest. */
  tell(inserted: InsertedEvent[]): void;
  /** Waits for this too when it is drained. `work` never throws. */
  add(work: Promise<void>): void;
  /** Resolves when all that was begun has ended. */
  drain(): Promise<void>;
}

export function openAfterPublish({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): AfterPublish {
  const underWay = new Set<Promise<void>>();
  const wakeDispatcher = openWaker(db.pool);
  const wakeExpanders = openWaker(db.pool, 'fan_out');

  function add(work: Promise<void>): void {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  }

  return {
    tell(inserted) {
      if (inserted.some(({ deferredCount }) => deferredCount > 0)) wakeDispatcher();
      if (inserted.some(({ isFanOut }) => isFanOut)) wakeExpanders();
      add(tellQueue({ db, enqueue }, inserted));
    },
    add,
    async drain() {
      await Promise.all(underWay);
    },
  };
}
