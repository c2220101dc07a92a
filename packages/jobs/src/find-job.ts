import type { Queue } from 'bullmq';
import { toTypeId } from '@posthorn/contract';
import { QUEUES, type QueueName } from './catalog.js';
import { readJob } from './job.js';
import { shardOf } from './shards.js';

/** Where a job is: the shard of its queue, and its id. */
export interface JobPlace {
  queue: QueueName;
  shard: number;
  jobId: string;
}

/** The queues with jobs of deliveries. */
const QUEUES_OF_DELIVERIES = ['retry', 'deliver'] as const;
/** Number of latest attempts whose jobs are searched. The queues keep few finished jobs, so older ones are gone. */
const ATTEMPTS_BACK = 12;
const STATES = ['active', 'failed', 'completed'] as const;
/** Maximum number of newest jobs that are read per state. The queues keep as many finished ones. */
const MAX_READ = 200;
/** Jobs in one read, so that no read takes long. */
const READ_AT_ONCE = 50;

/** The deliveries of a job, as `dlv_…` (the verification, `ver_…`, of a job of `verify`). Empty for a foreign job. */
export const subjectsOf = (queue: QueueName, job: { id?: string | undefined; data: unknown }): string[] =>
  readJob(queue, job).map(({ id }) => toTypeId(QUEUES[queue].subject, id));

/** Returns the newest job of a delivery, `dlv_…`. `latest`: the number of its next or last attempt. Returns null if the queue does not have it,
 *  or if it waits in a job of several deliveries: any number of those may wait, so they are not searched. */
export async function findJob(
  queues: Record<QueueName, Queue[]>,
  { delivery, latest }: { delivery: string; latest: number },
): Promise<JobPlace | null> {
  for (let attemptNumber = latest; attemptNumber > Math.max(0, latest - ATTEMPTS_BACK); attemptNumber -= 1) {
    const jobId = `${delivery}-${attemptNumber}`;
    for (const queue of QUEUES_OF_DELIVERIES) {
      const shard = shardOf(jobId, queues[queue].length);
      if (await queues[queue][shard]?.getJob(jobId)) return { queue, shard, jobId };
    }
  }
  for (const queue of QUEUES_OF_DELIVERIES) {
    for (const [shard, one] of queues[queue].entries()) {
      const jobId = await findGroup(queue, one, delivery);
      if (jobId !== null) return { queue, shard, jobId };
    }
  }
  return null;
}

async function findGroup(name: QueueName, queue: Queue, delivery: string): Promise<string | null> {
  for (const state of STATES) {
    for (let from = 0; from < MAX_READ; from += READ_AT_ONCE) {
      const jobs = await queue.getJobs([state], from, from + READ_AT_ONCE - 1);
      const found = jobs.find((job) => subjectsOf(name, job).includes(delivery));
      if (found?.id !== undefined) return found.id;
      if (jobs.length < READ_AT_ONCE) break;
    }
  }
  return null;
}
