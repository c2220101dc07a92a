import type { Job } from 'bullmq';
import type { Progress } from './job.js';

/** The deliveries of a running job that its worker no longer has, and did not attempt. */
export interface GivenBack {
  /** By the attempt's id (toJobId). Best effort: what the queue does not learn, the end of the lease ends. */
  add(id: string): void;
}

/** Stores them in the job's progress; those that come in one turn of the event loop share a write. */
export function openGivenBack(job: Job): GivenBack {
  const ids: string[] = [];
  let isScheduled = false;
  return {
    add(id) {
      ids.push(id);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        job.updateProgress({ givenBack: ids } satisfies Progress).catch(() => {});
      });
    },
  };
}
