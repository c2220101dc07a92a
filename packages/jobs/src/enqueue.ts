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
  /** Called with the number of due attempts that could not be enqueued. */
  onFailure?: ((queue: QueueName, count: number) => void) | undefined;
}

const DELIVERING: QueueName[] = ['deliver', 'retry'];
const MOST_AT_ONCE = 1_000; // jobs in one addBulk

interface Call {
  due: Due[];
  resolve: (isEnqueued: boolean) => void;
}
/** Adds the jobs of all calls in one turn of the event loop together, since workers enqueue one retry each. */
export function openEnqueue(options: EnqueueOptions): Enqueue {
  const { availability, onFailure } = options;
  const calls: Record<QueueName, Call[]> = { deliver: [], retry: [], verify: [] };

  async function flush(name: QueueName): Promise<void> {
    const pending = calls[name].splice(0);
    const due = pending.flatMap((call) => call.due);
    const isEnqueued = await add(options, name, due).then(
      () => true,
      (error: unknown) => {
        availability.lost(error);
        onFailure?.(name, due.length);
        return false;
      },
    );
    if (isEnqueued) availability.found();
    for (const { resolve } of pending) resolve(isEnqueued);
  }

  return (queue, due) =>
    new Promise((resolve) => {
      if (calls[queue].push({ due, resolve }) === 1) setImmediate(() => void flush(queue));
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
  // The queue may still accept it after this gave up. Then the lease differs when its worker loads it, or the queue ignores the known id.
  await inShards(queues[name], toJobs(name, due, deliveriesPerJob), ({ opts }) => opts.jobId ?? '', backend.add);
}

/** An attempt may be running although its lease has ended: the database was away, or its subscription was paused and resumed. The
 *  running job gets the new lease, so that it runs again if its worker has died. */
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

/** Processes the jobs of each shard in limited chunks, all shards concurrently, so that an unavailable shard delays no other. */
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
