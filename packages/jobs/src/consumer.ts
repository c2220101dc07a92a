import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerOptions } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import type { QueueName, Taken } from './catalog.js';
import type { JobEnd } from './end-job.js';
import { LOCK_MS } from './job-lock.js';
import type { Log } from './log.js';
import { openPlaces } from './places.js';
import { type RunOptions, runJob } from './run-job.js';
import { shardCount } from './shards.js';

export interface ConsumerOptions {
  queue: QueueName;
  /** Deliveries at once, however many share a job. */
  concurrency: number;
  /** Called for each delivery of a job, at once as far as there is room. `signal` aborts when the process can wait no longer. A throw is a fault of ours: it is logged, the delivery is
   *  forgotten, and the dispatcher brings it again after a while. */
  handle: (due: Taken, signal: AbortSignal) => Promise<JobEnd>;
  log: Log;
  /** Shared by all that a process has on one queue, so that its absence is said once. */
  availability?: Availability;
}

export interface Consumer {
  /** Starts taking jobs, and goes on through any absence of the queue. */
  start(): void;
  /** False before the start, and after the end: also an end of its own, after which it takes no job any more. */
  isRunning(): boolean;
  /** Deliveries at once, from now on; also while none of those at work ends. */
  setConcurrency(concurrency: number): void;
  /** Takes no more jobs, waits up to `graceMs` for those at work, then aborts them; resolves when all have ended, or soon
   *  after. What did not end is run again elsewhere, after its lock has run out. */
  stop(options: { graceMs: number }): Promise<void>;
}

const KEPT = 200; // finished jobs of a queue, to look at
const LAST_WORDS_MS = 3_000; // between the abort and giving up
const WORTH_A_WORKER = 25; // deliveries at once

const WORKER_OPTIONS: Omit<WorkerOptions, 'connection'> = {
  autorun: false,
  // A crashed worker's job comes back when its lock has run out and the checker has been by twice: 10 to 16 s.
  lockDuration: LOCK_MS,
  stalledInterval: 3_000,
  // How often a job came back decides nothing here: the ledger does. BullMQ would fail it without running it.
  maxStalledCount: 1_000_000,
  // A Redis that has just started refuses while it loads its file; BullMQ would rest for 15 s after each refusal.
  runRetryDelay: 500,
};

export function openConsumer(
  connection: QueueConnection,
  { queue, concurrency, handle, log, availability = openAvailability(log) }: ConsumerOptions,
): Consumer {
  const backend = openBackend(connection, { producing: false, onError: availability.lost });
  let isStopping = false;
  // One signal for all jobs. BullMQ's signal per job costs as much CPU as signing the request.
  const giveUp = new AbortController();
  setMaxListeners(0, giveUp.signal);
  const options: RunOptions = {
    queue,
    handle,
    log,
    keepCompleted: backend.keepLast(KEPT),
    keepFailed: backend.keepLast(KEPT),
    isStopping: () => isStopping,
    giveUp: giveUp.signal,
  };

  // At least one worker for each shard. (Two of one shard fetch side by side.)
  const shards = shardCount(queue, backend.shards);
  const count = Math.max(shards, Math.min(backend.workersPerQueue, Math.ceil(concurrency / WORTH_A_WORKER)));
  const places = openPlaces(concurrency, count);
  const workers = Array.from({ length: count }, (_, n) => {
    const worker = backend.worker(
      queue,
      n % shards,
      (job, token) => {
        availability.found();
        return runJob(job, token, workersPlaces, options);
      },
      { ...WORKER_OPTIONS, skipStalledCheck: n >= shards },
    );
    const workersPlaces = places.of(worker);
    return worker;
  });
  let running: Promise<unknown> | undefined;
  return {
    start() {
      running = Promise.all(workers.map((worker) => worker.run())).catch((error: unknown) => {
        if (!isStopping) log.error({ err: error, queue }, 'consumer.ended');
      });
    },
    isRunning: () => workers.every((worker) => worker.isRunning()) && !isStopping,
    setConcurrency: (next) => places.resize(next),
    async stop({ graceMs }) {
      isStopping = true;
      const closed = Promise.all(workers.map((worker) => worker.close())).catch((error: unknown) =>
        log.warn({ err: error, queue }, 'consumer.close_failed'),
      );
      const isClosed = await settles(closed, graceMs);
      if (!isClosed) {
        giveUp.abort('shutdown');
        await settles(closed, LAST_WORDS_MS);
      }
      await settles(Promise.resolve(running), 100);
      await settles(backend.close(), LAST_WORDS_MS);
    },
  };
}

/** Whether it settled within `ms`. */
async function settles(work: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const isFirst = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    pause(ms, false, { signal: timer.signal }).catch(() => false),
  ]);
  timer.abort();
  return isFirst;
}
