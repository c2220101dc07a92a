import type { Worker } from 'bullmq';

/** The deliveries that the BullMQ workers of a consumer may have under way in all, whatever jobs they share.
 *
 *  state of a delivery    entered when                          left when
 *  waiting                its job is fetched, no place is free  a place is free; those that came first go first
 *  under way              a place is free                       `leave`
 *
 *  A worker fetches a job while a place is free, or while it has less than its share of the places: so where one shard of a queue has work, its
 *  worker may use all places, and gives them back when another has work. It hands the job over at once; its deliveries must `enter` in the
 *  same turn, or the worker fetches the next job too early, perhaps at the same time as another fetch, and the order of the ranks is lost. The
 *  last job may bring more deliveries than places: these wait here. */
export interface Places {
  /** The places as one of the workers has them. Called once for each. */
  of(worker: Worker): WorkersPlaces;
  /** From now on; also while none of those under way ends. */
  resize(next: number): void;
}

export interface WorkersPlaces {
  /** Resolves when the delivery has a place. */
  enter(): Promise<void>;
  /** Gives a place back. `isLast`: the job ends with it, and BullMQ then looks for the next one itself. */
  leave(options: { isLast: boolean }): void;
}

/** `workerCount`: as many workers share them. */
export function openPlaces(atFirst: number, workerCount: number): Places {
  let size = atFirst;
  let underWay = 0;
  const waiting: (() => void)[] = [];
  /** Has the workers that may fetch look for jobs. */
  const looks: (() => void)[] = [];

  function admit(): void {
    while (underWay < size && waiting.length > 0) {
      underWay += 1;
      waiting.shift()?.();
    }
  }

  return {
    of(worker) {
      let held = 0; // under way or waiting
      const mayFetch = () => underWay < size || held < Math.ceil(size / workerCount);
      letFetchWhile(worker, mayFetch);
      // By itself a worker only looks when a job ends. So one more is there that has ended, and was nothing.
      const look = () => void (mayFetch() && worker['mainLoopQueue']?.add(Promise.resolve()));
      looks.push(look);
      return {
        enter() {
          held += 1;
          if (underWay < size) {
            underWay += 1;
            return Promise.resolve();
          }
          return new Promise((resolve) => waiting.push(resolve));
        },
        leave({ isLast }) {
          const couldFetch = mayFetch();
          underWay -= 1;
          held -= 1;
          admit();
          if (!couldFetch && !isLast) look();
        },
      };
    },
    resize(next) {
      size = next;
      admit();
      for (const look of looks) look();
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
