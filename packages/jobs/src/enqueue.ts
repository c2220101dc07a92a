import type { Queue } from 'bullmq';
import type { Availability } from './availability.js';
import type { Backend } from './backend.js';
import { type Due, type Enqueue, type QueueName, toJobId } from './catalog.js';
import { inTime } from './in-time.js';
import { readHeld, toJobs, toSingleData, withLeases } from './job.js';
import { byShard } from './shards.js';

export interface EnqueueOptions {
  backend: Backend;
  /** By shard. */
  queues: Record<QueueName, Queue[]>;
  /** Deliveries in one job. */
  deliveriesPerJob: number;
  availability: Availability;
  /** Called with how many due attempts the queue did not take. */
  onFailure?: ((queue: QueueName, count: number) => void) | undefined;
}

const DELIVERING: QueueName[] = ['deliver', 'retry'];
const MOST_AT_ONCE = 1_000; // jobs in one addBulk

interface Call {
  due: Due[];
  answer: (taken: boolean) => void;
}
/** Calls of one turn of the event loop are added together: workers enqueue one retry each. */
export function openEnqueue(options: EnqueueOptions): Enqueue {
  const { availability, onFailure } = options;
  const calls: Record<QueueName, Call[]> = { deliver: [], retry: [], verify: [] };

  async function flush(name: QueueName): Promise<void> {
    const taken = calls[name].splice(0);
    const due = taken.flatMap((call) => call.due);
    const isTaken = await add(options, name, due).then(
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

  return (queue, due) =>
    new Promise((answer) => {
      if (calls[queue].push({ due, answer }) === 1) setImmediate(() => void flush(queue));
    });
}

async function add(
  { backend, queues, deliveriesPerJob }: EnqueueOptions,
  name: QueueName,
  given: Due[],
): Promise<void> {
  const due = await leaveOutActive({ backend, queues }, name, given);
  const expired = due.filter(({ leasedBefore }) => leasedBefore === 'expired');
  const waiting = expired.map((one) => ({ id: toJobId(name, one), data: toSingleData(name, one) }));
  await inShards(queues[name], waiting, ({ id }) => id, backend.makeRoom);
  // The queue may still take it after this gave up. Then the lease has changed when its worker looks, or the job's id is known.
  await inShards(queues[name], toJobs(name, due, deliveriesPerJob), ({ opts }) => opts.jobId ?? '', backend.add);
}

/** An attempt may be under way although its lease has ended: the database was away, or its subscription was paused and resumed. The job
 *  that runs gets the new lease: if its worker has died, it runs again. */
async function leaveOutActive(
  { backend, queues }: Pick<EnqueueOptions, 'backend' | 'queues'>,
  name: QueueName,
  due: Due[],
): Promise<Due[]> {
  const again = new Map(due.filter(({ leasedBefore }) => leasedBefore).map((one) => [toJobId(name, one), one]));
  if (name === 'verify' || again.size === 0) return due;
  const held = new Set<Due>();
  const find = async (queue: QueueName, shard: Queue): Promise<void> => {
    const jobs = [];
    for (const job of await inTime(backend.readActive(shard))) {
      const leased = readHeld(queue, job).flatMap((id) => again.get(id) ?? []);
      if (leased.length > 0) jobs.push({ id: job.id, data: withLeases(queue, job, leased) });
      for (const one of leased) held.add(one);
    }
    if (jobs.length > 0) await inTime(backend.makeRoom(shard, jobs));
  };
  await Promise.all(DELIVERING.flatMap((queue) => queues[queue].map((shard) => find(queue, shard))));
  return due.filter((one) => !held.has(one));
}

/** Does something with the jobs of each shard, at most so many at once. All shards at the same time, so that one that is away holds up no other. */
async function inShards<T>(
  shards: Queue[],
  jobs: T[],
  idOf: (job: T) => string,
  act: (queue: Queue, jobs: T[]) => Promise<void>,
): Promise<void> {
  const groups = byShard(jobs, shards.length, idOf);
  await Promise.all(
    shards.map(async (queue, shard) => {
      const group = groups[shard] ?? [];
      for (let from = 0; from < group.length; from += MOST_AT_ONCE) {
        await inTime(act(queue, group.slice(from, from + MOST_AT_ONCE)));
      }
    }),
  );
}
