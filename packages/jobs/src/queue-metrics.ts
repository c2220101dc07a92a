import type { Job, JobType, Queue } from 'bullmq';

/** How many jobs are in each state. BullMQ keeps only some finished jobs, so `failed` is not a total. */
export interface QueueMetrics {
  waiting: number;
  /** Waiting behind those in `waiting`: jobs of a backlog. */
  prioritized: number;
  active: number;
  /** Not due yet. */
  delayed: number;
  failed: number;
  /** How long the next job has waited; also a delayed one that is due while no worker polls. null: no job waits. */
  oldestWaitingMs: number | null;
}

/** Totals over all shards of a queue, for autoscalers. Throws when the queue does not respond. */
export const readQueueMetrics = async (shards: Queue[]): Promise<QueueMetrics> =>
  sumUp(await Promise.all(shards.map(readMetrics)));

function sumUp(shards: QueueMetrics[]): QueueMetrics {
  const sum = (of: 'waiting' | 'prioritized' | 'active' | 'delayed' | 'failed') =>
    shards.reduce((total, shard) => total + shard[of], 0);
  const waits = shards.map(({ oldestWaitingMs }) => oldestWaitingMs).filter((ms) => ms !== null);
  return {
    waiting: sum('waiting'),
    prioritized: sum('prioritized'),
    active: sum('active'),
    delayed: sum('delayed'),
    failed: sum('failed'),
    oldestWaitingMs: waits.length === 0 ? null : Math.max(...waits),
  };
}

async function readMetrics(queue: Queue): Promise<QueueMetrics> {
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  const at = (state: JobType, index: number) => queue.getJobs([state], index, index, true);
  // Both ends of `waiting`, since BullMQ on Postgres always counts it from the newest.
  const [first, last, behind, next] = await Promise.all([
    at('waiting', 0),
    at('waiting', Math.max(0, waiting - 1)),
    at('prioritized', 0),
    at('delayed', 0),
  ]);
  // A job that ran before waits, or is delayed, since its return. For other jobs, `delay` is 0 once they are due, so use
  // their options.
  const now = Date.now();
  const since = [
    ...[...first, ...last, ...behind].map((job) => Math.max(timeOf(job), job.processedOn ?? 0)),
    ...next.map((job) => (job.processedOn === undefined ? timeOf(job) : job.processedOn + job.delay)),
  ].filter((time) => time <= now);
  const oldestWaitingMs = since.length === 0 ? null : now - Math.min(...since);
  return { waiting, prioritized, active, delayed, failed, oldestWaitingMs };
}

/** When its first run was due. */
const timeOf = ({ timestamp, opts }: Job): number => timestamp + (opts.delay ?? 0);
