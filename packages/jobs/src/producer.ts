import type { Job, JobType, Queue } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import {
  CHECK_QUEUE,
  type Due,
  type Enqueue,
  MAX_DELIVERIES_PER_JOB,
  QUEUE_NAMES,
  type QueueName,
  toJobId,
} from './catalog.js';
import { readHeld, toJobs, toSingleData, withLeases } from './job.js';
import type { Log } from './log.js';
import { refusalReason } from './refusal-reason.js';
import { byShard, shardCount } from './shards.js';

export interface Producer {
  enqueue: Enqueue;
  /** Whether an enqueue works, and how long one takes. Never throws, and responds within 3 s. */
  check(): Promise<QueueCheck>;
  /** How the queues stand. Throws when the queue does not answer. */
  metrics(): Promise<Record<QueueName, QueueMetrics>>;
  /** True to one caller after the queue was flushed, restarted or replaced, so that jobs may be lost. False also when it
   *  does not answer. */
  hasForgotten(): Promise<boolean>;
  /** The BullMQ queues of each name, by shard: for the dashboard. */
  queues: Record<QueueName, ShardedQueue>;
  close(): Promise<void>;
}

/** `reason` names no host and no user. */
export type QueueCheck = { latencyMs: number } & ({ status: 'ok' } | { status: 'fail'; reason: string });

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

export interface ProducerOptions {
  log: Log;
  /** Deliveries in one job. Default: MAX_DELIVERIES_PER_JOB. */
  deliveriesPerJob?: number;
  /** Shared by all that a process has on one queue, so that its absence is said once. */
  availability?: Availability;
  /** Called with how many due attempts the queue did not take. */
  onFailure?: (queue: QueueName, count: number) => void;
}

type ShardedQueue = [Queue, ...Queue[]];

const ANSWER_WITHIN_MS = 3_000;
const DELIVERING: QueueName[] = ['deliver', 'retry'];
const MOST_AT_ONCE = 1_000; // jobs in one addBulk

/** Opens the queues for adding to them. Does not wait for the connection: a queue that is away is no error here. */
export function openProducer(
  connection: QueueConnection,
  { log, deliveriesPerJob = MAX_DELIVERIES_PER_JOB, availability = openAvailability(log), onFailure }: ProducerOptions,
): Producer {
  const backend = openBackend(connection, { producing: true, onError: availability.lost });
  const openShards = (name: QueueName | typeof CHECK_QUEUE, count: number) =>
    Array.from({ length: count }, (_, shard) => backend.queue(name, shard)) as ShardedQueue;
  const queues = Object.fromEntries(
    QUEUE_NAMES.map((name) => [name, openShards(name, shardCount(name, backend.shards))]),
  ) as Record<QueueName, ShardedQueue>;
  const checkQueues = openShards(CHECK_QUEUE, backend.shards);
  /** Does something with the jobs of each shard, at most so many at once. All shards at the same time, so that one that is away holds up no other. */
  async function inShards<T>(
    name: QueueName,
    jobs: T[],
    idOf: (job: T) => string,
    act: (queue: Queue, jobs: T[]) => Promise<void>,
  ): Promise<void> {
    const groups = byShard(jobs, queues[name].length, idOf);
    await Promise.all(
      queues[name].map(async (queue, shard) => {
        const group = groups[shard] ?? [];
        for (let from = 0; from < group.length; from += MOST_AT_ONCE) {
          await within(ANSWER_WITHIN_MS, act(queue, group.slice(from, from + MOST_AT_ONCE)));
        }
      }),
    );
  }

  interface Call {
    due: Due[];
    answer: (taken: boolean) => void;
  }
  const calls: Record<QueueName, Call[]> = { deliver: [], retry: [], verify: [] };

  /** Calls of one turn of the event loop are added together: workers enqueue one retry each. */
  const enqueue: Enqueue = (queue, due) =>
    new Promise((answer) => {
      if (calls[queue].push({ due, answer }) === 1) setImmediate(() => void flush(queue));
    });

  async function flush(name: QueueName): Promise<void> {
    const taken = calls[name].splice(0);
    const due = taken.flatMap((call) => call.due);
    const isTaken = await add(name, due).then(
      () => true,
      (error: unknown) => {
        availability.lost(error);
        onFailure?.(name, due.length);
        return false;
      },
    );
    if (isTaken) availability.found();
    for (const { answer } of taken) answer(isTaken);
  }

  async function add(name: QueueName, given: Due[]): Promise<void> {
    const due = await leaveOutActive(name, given);
    const expired = due.filter(({ leasedBefore }) => leasedBefore === 'expired');
    const waiting = expired.map((one) => ({ id: toJobId(name, one), data: toSingleData(name, one) }));
    await inShards(name, waiting, ({ id }) => id, backend.makeRoom);
    // The queue may still take it after this gave up. Then the lease has changed when its worker looks, or the job's id is known.
    await inShards(name, toJobs(name, due, deliveriesPerJob), ({ opts }) => opts.jobId ?? '', backend.add);
  }

  /** An attempt may be under way although its lease has ended: the database was away, or its subscription was paused and resumed. The job
   *  that runs gets the new lease: if its worker has died, it runs again. */
  async function leaveOutActive(name: QueueName, due: Due[]): Promise<Due[]> {
    const again = new Map(due.filter(({ leasedBefore }) => leasedBefore).map((one) => [toJobId(name, one), one]));
    if (name === 'verify' || again.size === 0) return due;
    const held = new Set<Due>();
    const find = async (queue: QueueName, shard: Queue): Promise<void> => {
      const jobs = [];
      for (const job of await within(ANSWER_WITHIN_MS, backend.readActive(shard))) {
        const leased = readHeld(queue, job).flatMap((id) => again.get(id) ?? []);
        if (leased.length > 0) jobs.push({ id: job.id, data: withLeases(queue, job, leased) });
        for (const one of leased) held.add(one);
      }
      if (jobs.length > 0) await within(ANSWER_WITHIN_MS, backend.makeRoom(shard, jobs));
    };
    await Promise.all(DELIVERING.flatMap((queue) => queues[queue].map((shard) => find(queue, shard))));
    return due.filter((one) => !held.has(one));
  }

  /** A ping would succeed on a replica, on a Redis without memory, and for a user that may not run scripts. */
  async function proveEnqueue(): Promise<void> {
    await backend.connected();
    const job = { name: CHECK_QUEUE, data: {}, opts: { jobId: 'check' } };
    await Promise.all(checkQueues.map((queue) => backend.add(queue, [job])));
  }

  return {
    enqueue,
    queues,
    async check() {
      const start = performance.now();
      const latencyMs = () => Math.round(performance.now() - start);
      try {
        await within(ANSWER_WITHIN_MS, proveEnqueue());
      } catch (error) {
        availability.lost(error);
        return { status: 'fail', latencyMs: latencyMs(), reason: refusalReason(error) };
      }
      availability.found();
      return { status: 'ok', latencyMs: latencyMs() };
    },
    hasForgotten: () => within(ANSWER_WITHIN_MS, backend.hasForgotten()).catch(() => false),
    async metrics() {
      const metrics = await within(
        ANSWER_WITHIN_MS,
        Promise.all(
          QUEUE_NAMES.map(async (name) => [name, sumUp(await Promise.all(queues[name].map(readMetrics)))] as const),
        ),
      );
      return Object.fromEntries(metrics) as Record<QueueName, QueueMetrics>;
    },
    async close() {
      await within(
        ANSWER_WITHIN_MS,
        Promise.all([...Object.values(queues).flat(), ...checkQueues].map((queue) => queue.close())),
      ).catch(() => {
        // A queue that is away cannot be taken leave of.
      });
      await backend.close();
    },
  };
}

/** All shards of a queue together: what an autoscaler goes by. */
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

/** Rejects when `work` takes longer: BullMQ's own calls may wait for a connection for ever. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the queue did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
