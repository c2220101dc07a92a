import type { Job } from 'bullmq';

/** A worker owns a job that it has fetched for so long; BullMQ renews the lock while the job runs. */
export const LOCK_MS = 10_000;

/** The lock of a job that a worker has fetched. */
export interface JobLock {
  /** Whether no other worker has the job. Never throws: false where the queue does not say so. */
  isStillOurs(): Promise<boolean>;
}

/** While a queue is far away, or our process stood still, the lock may have run out before the work begins, and another
 *  worker have the job. So a lock that was seen long ago is renewed first; all deliveries of a job share the look. */
export function openLock(job: Job, token: string | undefined): JobLock {
  let lookedAt = job.processedOn ?? Date.now();
  let looking = Promise.resolve(true);
  return {
    isStillOurs() {
      if (token === undefined || Date.now() - lookedAt < LOCK_MS / 2) return looking;
      lookedAt = Date.now();
      looking = job
        .extendLock(token, LOCK_MS)
        .then((extended) => extended > 0)
        .catch(() => false);
      return looking;
    },
  };
}
