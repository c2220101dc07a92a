import type { Job, JobType, Queue } from 'bullmq';

/** How many jobs are in each state. Finished ones are kept in part only, so no more is to be read from `failed`. */
export interface QueueMetrics {
  waiting: number;
  /** Wait, too, behind those of `waiting`: what came from a backlog. */
  prioritized: number;
  active: number;
  /** Wait for their time. */
  delayed: number;
  failed: number;
  /** How long the job has waited whose turn is next (also a delayed one whose time has come, while nobody looks); null: none
   *  does. */
  oldestWaitingMs: number | null;
}

/** Of all shards of a queue together: what an autoscaler goes by. Throws when the queue does not answer. */
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
  // Both ends of `waiting`: on Postgres BullMQ counts it from the newest on, whatever it is asked for.
  const [first, last, behind, next] = await Promise.all([
    at('waiting', 0),
    at('waiting', Math.max(0, waiting - 1)),
    at('prioritized', 0),
    at('delayed', 0),
  ]);
  // A job that ran before came back: since then it waits, or is delayed. Of one that did not, `delay` is 0 once its time has
  // come, and its options still know it.
  const now = Date.now();
  const since = [
    ...[...first, ...last, ...behind].map((job) => Math.max(timeOf(job), job.processedOn ?? 0)),
    ...next.map((job) => (job.processedOn === undefined ? timeOf(job) : job.processedOn + job.delay)),
  ].filter((time) => time <= now);
  const oldestWaitingMs = since.length === 0 ? null : now - Math.min(...since);
  return { waiting, prioritized, active, delayed, failed, oldestWaitingMs };
}

/** When it was to run first. */
const timeOf = ({ timestamp, opts }: Job): number => timestamp + (opts.delay ?? 0);
