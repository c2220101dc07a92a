import type { Job } from 'bullmq';
import type { Progress } from './job.js';

/** The deliveries that the worker of a running job returned without an attempt. */
export interface GivenBack {
  /** By the attempt's id (toJobId). Best effort: if the queue does not learn of it, the delivery waits for the end of its lease. */
  add(id: string): void;
}

/** Stores them in the job's progress. All of one turn of the event loop share a write. */
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
