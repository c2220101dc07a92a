import { randomUUID } from 'node:crypto';
import type { NewJob } from './backend.js';
import { type Due, MAX_DELIVERIES_PER_JOB, QUEUES, type QueueName, fromJobId, toJobId } from './catalog.js';
import { toTypeId } from '@posthorn/contract';

// A job of one attempt has the attempt's id (`dlv_01h…-3`), so the queue knows the attempt. The attempt is read from that id, since a
// Redis that lost memory may have lost the data. Any other job has its own id and lists its deliveries.

/** With the field that QUEUES names. */
interface SingleData {
  attemptNumber: number;
  leasedUntil?: number;
}
interface GroupData {
  /** The lease of each attempt, by the attempt's id. null: no comparison. */
  deliveries: Record<string, number | null>;
}

type JobData = SingleData | GroupData;

/** Attempts that the worker of a running job of several deliveries returned without making them. By their ids. */
export interface Progress {
  givenBack: string[];
}

const GROUP_ID = /^group-/;

/** Makes jobs for due attempts. Attempts that are due now share jobs of at most `perJob`, in the order of their ranks; a job has the
 *  rank of its first. An attempt with a delay, with an expired lease or without a lease has its own job. */
export function toJobs(queue: QueueName, due: Due[], perJob: number): NewJob[] {
  const alone: Due[] = [];
  const together: Due[] = [];
  for (const one of due) (mayShare(one) ? together : alone).push(one);
  together.sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
  const jobs = alone.map((one) => toJob(queue, [one]));
  for (let from = 0; from < together.length; from += perJob)
    jobs.push(toJob(queue, together.slice(from, from + perJob)));
  return jobs;
}

const mayShare = ({ delayMs, leasedUntil, leasedBefore }: Due): boolean =>
  !delayMs && leasedUntil !== undefined && leasedBefore !== 'expired';

function toJob(queue: QueueName, due: Due[]): NewJob {
  const [first] = due as [Due];
  // A job of an earlier lease may have the attempt's id.
  const isSingle = due.length === 1 && (first.leasedBefore !== 'deferred' || first.leasedUntil === undefined);
  return {
    name: queue,
    data: isSingle ? toSingleData(queue, first) : toGroupData(queue, due),
    opts: {
      jobId: isSingle ? toJobId(queue, first) : `group-${randomUUID()}`,
      ...(first.delayMs && { delay: Math.ceil(first.delayMs) }),
      ...(first.rank && { priority: first.rank }),
    },
  };
}

export const toSingleData = (queue: QueueName, { id, attemptNumber, leasedUntil }: Due): SingleData => ({
  [QUEUES[queue].field]: toTypeId(QUEUES[queue].subject, id),
  attemptNumber,
  ...(leasedUntil !== undefined && { leasedUntil }),
});

export const toGroupData = (queue: QueueName, due: Due[]): GroupData => ({
  deliveries: Object.fromEntries(due.map((one) => [toJobId(queue, one), one.leasedUntil ?? null])),
});

/** Whether a job lists its deliveries, instead of naming one by its id. */
export const isGroup = (jobId: string | undefined): boolean => GROUP_ID.test(jobId ?? '');

/** The attempts of a job. Empty for a foreign job. */
export function readJob(queue: QueueName, { id, data }: { id?: string | undefined; data: unknown }): Due[] {
  const found = isGroup(id) ? readGroup(queue, data) : [readSingle(queue, id, data)];
  return found.filter((one) => one !== null).slice(0, MAX_DELIVERIES_PER_JOB);
}

/** The data of a job in which these attempts have new leases. */
export function withLeases(queue: QueueName, job: { id: string; data: unknown }, leased: Due[]): JobData {
  const [first] = leased;
  if (!isGroup(job.id) && first) return toSingleData(queue, first);
  const { deliveries } = toGroupData(queue, readJob(queue, job));
  return { deliveries: { ...deliveries, ...toGroupData(queue, leased).deliveries } };
}

/** The attempts that a running job's worker has, by their ids. */
export function readHeld(queue: QueueName, job: { id: string; data: unknown; progress: unknown }): string[] {
  const { progress } = job;
  const givenBack = progress && typeof progress === 'object' && 'givenBack' in progress ? progress.givenBack : null;
  const free = new Set<unknown>(Array.isArray(givenBack) ? givenBack : []);
  return readJob(queue, job)
    .map((one) => toJobId(queue, one))
    .filter((id) => !free.has(id));
}

function readSingle(queue: QueueName, jobId: string | undefined, data: unknown): Due | null {
  const due = fromJobId(queue, jobId);
  const leasedUntil = data && typeof data === 'object' && 'leasedUntil' in data ? data.leasedUntil : undefined;
  return due && typeof leasedUntil === 'number' ? { ...due, leasedUntil } : due;
}

function readGroup(queue: QueueName, data: unknown): (Due | null)[] {
  const deliveries = data && typeof data === 'object' && 'deliveries' in data ? data.deliveries : null;
  return Object.entries(deliveries ?? {}).map(([id, leasedUntil]: [string, unknown]) => {
    const due = fromJobId(queue, id);
    if (leasedUntil === null) return due;
    return due && typeof leasedUntil === 'number' ? { ...due, leasedUntil } : null;
  });
}
