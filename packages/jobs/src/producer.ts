import type { JobType, Queue } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import { type Due, type Enqueue, QUEUE_NAMES, type QueueName, toJobData, toJobId } from './catalog.js';
import type { Log } from './log.js';

export interface Producer {
  enqueue: Enqueue;
  /** Whether the queue answers, and how fast. Never throws. */
  check(): Promise<{ status: 'ok' | 'fail'; latencyMs: number }>;
  /** How many jobs are in each state. Throws when the queue does not answer. */
  counts(): Promise<Record<QueueName, Record<string, number>>>;
  /** True to one caller after the queue was flushed, restarted or replaced, so that jobs may be lost. False also when it
   *  does not answer. */
  hasForgotten(): Promise<boolean>;
  /** For the dashboard. */
  queues: Record<QueueName, Queue>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  log: Log;
  /** Shared by all that a process has on one queue, so that its absence is said once. */
  availability?: Availability;
  /** Called with how many due attempts the queue did not take. */
  onFailure?: (queue: QueueName, count: number) => void;
}

const ANSWER_WITHIN_MS = 3_000;
const MOST_AT_ONCE = 1_000; // jobs in one addBulk

/** Opens the queues for adding to them. Does not wait for the connection: a queue that is away is no error here. */
export function openProducer(
  connection: QueueConnection,
  { log, availability = openAvailability(log), onFailure }: ProducerOptions,
): Producer {
  const backend = openBackend(connection, { producing: true, onError: availability.lost });
  const queues = Object.fromEntries(QUEUE_NAMES.map((name) => [name, backend.queue(name)])) as Record<QueueName, Queue>;

  interface Call {
    due: Due[];
    answer: (taken: boolean) => void;
  }
  const calls: Record<QueueName, Call[]> = { deliver: [], retry: [], verify: [] };

  /** Calls of one turn of the event loop share an addBulk: workers enqueue one retry each. */
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

  async function add(name: QueueName, due: Due[]): Promise<void> {
    for (let from = 0; from < due.length; from += MOST_AT_ONCE) {
      const jobs = due.slice(from, from + MOST_AT_ONCE).map((one) => ({
        name,
        data: toJobData(name, one),
        opts: {
          jobId: toJobId(name, one),
          ...(one.delayMs && { delay: Math.ceil(one.delayMs) }),
          ...(one.isBulk && { priority: 1 }),
        },
      }));
      // The queue may still take it after this gave up; the job's id makes the second time harmless.
      await within(ANSWER_WITHIN_MS, queues[name].addBulk(jobs));
    }
  }

  return {
    enqueue,
    queues,
    async check() {
      const start = performance.now();
      const status = await within(ANSWER_WITHIN_MS, backend.ping()).then(
        () => 'ok' as const,
        () => 'fail' as const,
      );
      return { status, latencyMs: Math.round(performance.now() - start) };
    },
    hasForgotten: () => within(ANSWER_WITHIN_MS, backend.hasForgotten()).catch(() => false),
    async counts() {
      const states: JobType[] = ['waiting', 'prioritized', 'active', 'delayed', 'failed'];
      const counts = await within(
        ANSWER_WITHIN_MS,
        Promise.all(QUEUE_NAMES.map(async (name) => [name, await queues[name].getJobCounts(...states)] as const)),
      );
      return Object.fromEntries(counts) as Record<QueueName, Record<string, number>>;
    },
    async close() {
      await within(ANSWER_WITHIN_MS, Promise.all(Object.values(queues).map((queue) => queue.close()))).catch(() => {
        // A queue that is away cannot be taken leave of.
      });
      await backend.close();
    },
  };
}

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
