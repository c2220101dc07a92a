import type { Worker } from 'bullmq';

/** The number of deliveries that all BullMQ workers of a consumer may have in progress, whatever jobs they share.
 *
 *  state of a delivery    entered when                             left when
 *  waiting                its job is fetched, no place is free     a place is free, in order of arrival
 *  in progress            a place is free                          `leave`
 *
 *  A worker fetches a job while a place is free, or while it has less than its share of the places. So if one shard has work, its
 *  worker may use all places, and returns them when another shard has work. A worker starts a fetched job at once. The job's
 *  deliveries must `enter` in the same turn of the event loop: otherwise the worker fetches again too early and breaks the order of
 *  the ranks. The last job may have more deliveries than free places; these wait here. */
export interface Places {
  /** The places as seen by one worker. Call once per worker. */
  of(worker: Worker): WorkersPlaces;
  /** Changes the number of places, effective immediately. */
  resize(next: number): void;
}

export interface WorkersPlaces {
  /** Resolves when the delivery has a place. */
  enter(): Promise<void>;
  /** Frees a place. `isLast`: the job ends with it, and BullMQ then fetches the next one itself. */
  leave(options: { isLast: boolean }): void;
}

/** `workerCount`: how many workers share the places. */
export function openPlaces(atFirst: number, workerCount: number): Places {
  let size = atFirst;
  let inFlight = 0;
  const waiting: (() => void)[] = [];
  /** Makes workers with room look for jobs. */
  const looks: (() => void)[] = [];

  function admit(): void {
    while (inFlight < size && waiting.length > 0) {
      inFlight += 1;
      waiting.shift()?.();
    }
  }

  return {
    of(worker) {
      let held = 0; // in progress or waiting
      const mayFetch = () => inFlight < size || held < Math.ceil(size / workerCount);
      letFetchWhile(worker, mayFetch);
      // A worker only looks for jobs when one ends, so simulate the end of an empty job.
      const look = () => void (mayFetch() && worker['mainLoopQueue']?.add(Promise.resolve()));
      looks.push(look);
      return {
        enter() {
          held += 1;
          if (inFlight < size) {
            inFlight += 1;
            return Promise.resolve();
          }
          return new Promise((resolve) => waiting.push(resolve));
        },
        leave({ isLast }) {
          const couldFetch = mayFetch();
          inFlight -= 1;
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

/** BullMQ fetches one job after the other until it has its maximum, and only then starts the first: with a hundred free places, the
 *  first of a burst would wait for a hundred round trips. So while a fetched job is not started, the maximum is its current
 *  number of jobs. */
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
