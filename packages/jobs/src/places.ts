import type { Worker } from 'bullmq';

/** The deliveries that one BullMQ worker may have under way, whatever jobs they share.
 *
 *  state of a delivery    entered when                          left when
 *  waiting                its job is fetched, no place is free  a place is free; those that came first go first
 *  under way              a place is free                       `leave`
 *
 *  The worker fetches a job only while a place is free, and hands it over at once; its deliveries must `enter` in the same turn, or the worker
 *  fetches the next job too early, perhaps at the same time as another fetch, and the order of the ranks is lost. The last job may bring
 *  more deliveries than places: these wait here. */
export interface Places {
  /** Resolves when the delivery has a place. */
  enter(): Promise<void>;
  /** Gives a place back. `isLast`: the job ends with it, and BullMQ then looks for the next one itself. */
  leave(options: { isLast: boolean }): void;
  /** From now on; also while none of those under way ends. */
  resize(next: number): void;
}

export function openPlaces(worker: Worker, atFirst: number): Places {
  let size = atFirst;
  let underWay = 0;
  const waiting: (() => void)[] = [];
  letFetchWhile(worker, () => underWay < size);

  /** Has the worker look for jobs: by itself it only does so when one ends. So one more is there that has ended, and was nothing. */
  const look = () => worker['mainLoopQueue']?.add(Promise.resolve());

  function admit(): void {
    while (underWay < size && waiting.length > 0) {
      underWay += 1;
      waiting.shift()?.();
    }
  }

  return {
    enter() {
      if (underWay < size) {
        underWay += 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave({ isLast }) {
      const wasFull = underWay >= size;
      underWay -= 1;
      admit();
      if (wasFull && underWay < size && !isLast) look();
    },
    resize(next) {
      size = next;
      admit();
      if (underWay < size) look();
    },
  };
}

/** By itself BullMQ fetches one job after the other until it has as many as it may, and only then starts the first: with a
 *  hundred places free, the first of a burst would wait for a hundred round trips. So while one that it has fetched is not started, it
 *  may have no more than it has. */
function letFetchWhile(worker: Worker, isFree: () => boolean): void {
  Object.defineProperty(worker, '_concurrency', {
    get() {
      const jobs = worker['mainLoopQueue'];
      if (!jobs) return 1;
      const total = jobs.numTotal();
      // When a job ends, BullMQ fetches the next one if this is not below the total.
      if (!isFree()) return total - 1;
      return jobs.numQueued() > 0 ? total : total + 1;
    },
  });
}
