import type { Worker } from 'bullmq';

/** Lets a worker have as many jobs at once as it is told, from now on, and start each when it has it.
 *
 *  By itself BullMQ fetches one job after the other until it has as many as it may, and only then starts the first: with a
 *  hundred places free, the first of a burst would wait for a hundred round trips. So while one that it has fetched is not started, it
 *  may have no more than it has. And it looks at its bound only when a job ends: if all hang, none does. So when the bound
 *  grows, one more is there that has ended, and was nothing. */
export function openConcurrency(worker: Worker, atFirst: number): (next: number) => void {
  let concurrency = atFirst;
  Object.defineProperty(worker, '_concurrency', {
    get() {
      const jobs = worker['mainLoopQueue'];
      return jobs && jobs.numQueued() > 0 ? Math.min(concurrency, jobs.numTotal()) : concurrency;
    },
  });
  return (next) => {
    const isMore = next > concurrency;
    concurrency = next;
    if (isMore) worker['mainLoopQueue']?.add(Promise.resolve());
  };
}
