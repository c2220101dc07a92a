import type { Job } from 'bullmq';

/** How long a worker owns a fetched job; BullMQ renews the lock while the job runs. */
export const LOCK_MS = 10_000;

/** The lock of a fetched job. */
export interface JobLock {
  /** Whether no other worker has the job. Never throws: returns false if the queue does not confirm it. */
  isStillOurs(): Promise<boolean>;
}

/** If the queue was away or this process was suspended, the lock may have expired, and another worker may have the job. So a lock
 *  that was last confirmed long ago is renewed first. All deliveries of a job share the check. */
export function openLock(job: Job, token: string | undefined): JobLock {
  let checkedAt = job.processedOn ?? Date.now();
  let checking = Promise.resolve(true);
  return {
    isStillOurs() {
      if (token === undefined || Date.now() - checkedAt < LOCK_MS / 2) return checking;
      checkedAt = Date.now();
      checking = job
        .extendLock(token, LOCK_MS)
        .then((extended) => extended > 0)
        .catch(() => false);
      return checking;
    },
  };
}
