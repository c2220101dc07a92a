import type { Queue } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import { CHECK_QUEUE, type Enqueue, MAX_DELIVERIES_PER_JOB, QUEUE_NAMES, type QueueName } from './catalog.js';
import { openEnqueue } from './enqueue.js';
import { inTime } from './in-time.js';
import type { Log } from './log.js';
import { type QueueMetrics, readQueueMetrics } from './queue-metrics.js';
import { refusalReason } from './refusal-reason.js';
import { shardCount } from './shards.js';

export interface Producer {
  enqueue: Enqueue;
  /** Checks that enqueueing works, and measures it. Never throws; responds within 3 s. */
  check(): Promise<QueueCheck>;
  /** The queues' metrics. Throws when the queue does not respond. */
  metrics(): Promise<Record<QueueName, QueueMetrics>>;
  /** Returns true to one caller after the queue was flushed, restarted or replaced, so that jobs may be lost. Returns false if it does
   *  not respond. */
  hasForgotten(): Promise<boolean>;
  /** The BullMQ queues of each name, by shard, for Bull Board. */
  queues: Record<QueueName, ShardedQueue>;
  close(): Promise<void>;
}

/** `reason` names no host and no user. */
export type QueueCheck = { latencyMs: number } & ({ status: 'ok' } | { status: 'fail'; reason: string });

export interface ProducerOptions {
  log: Log;
  /** Deliveries in one job. Default: MAX_DELIVERIES_PER_JOB. */
  deliveriesPerJob?: number;
  /** Shared by everything that a process has on one queue, so that an outage is logged once. */
  availability?: Availability;
  /** Called with the number of due attempts that could not be enqueued. */
  onFailure?: (queue: QueueName, count: number) => void;
}

type ShardedQueue = [Queue, ...Queue[]];

/** Opens the queues for adding jobs. Does not wait for the connection: an unavailable queue is not an error here. */
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
  const enqueue = openEnqueue({ backend, queues, deliveriesPerJob, availability, onFailure });

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
        await inTime(proveEnqueue());
      } catch (error) {
        availability.lost(error);
        return { status: 'fail', latencyMs: latencyMs(), reason: refusalReason(error) };
      }
      availability.found();
      return { status: 'ok', latencyMs: latencyMs() };
    },
    hasForgotten: () => inTime(backend.hasForgotten()).catch(() => false),
    async metrics() {
      const metrics = await inTime(
        Promise.all(QUEUE_NAMES.map(async (name) => [name, await readQueueMetrics(queues[name])] as const)),
      );
      return Object.fromEntries(metrics) as Record<QueueName, QueueMetrics>;
    },
    async close() {
      await inTime(Promise.all([...Object.values(queues).flat(), ...checkQueues].map((queue) => queue.close()))).catch(
        () => {
          // An unavailable queue cannot be closed cleanly.
        },
      );
      await backend.close();
    },
  };
}
