import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerOptions } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import type { QueueName, DueJob } from './catalog.js';
import type { JobEnd } from './end-job.js';
import { LOCK_MS } from './job-lock.js';
import type { Log } from './log.js';
import { openPlaces } from './places.js';
import { type RunOptions, type StartJob, runJob } from './run-job.js';
import { shardCount } from './shards.js';

export interface ConsumerOptions {
  queue: QueueName;
  /** Maximum of deliveries at once, however many share a job. */
  concurrency: number;
  /** Called for each delivery of a job, at once while there are places. `signal` aborts when the process can wait no longer. A throw
   *  is a fault of Posthorn: it is logged, the delivery is removed, and the dispatcher enqueues it again later. */
  handle: (due: DueJob, signal: AbortSignal) => Promise<JobEnd>;
  /** Called when a job starts. Each of its deliveries gets the result. Default: jobs are not observed. */
  startJob?: StartJob;
  log: Log;
  /** Shared by everything that a process has on one queue, so that an outage is logged once. */
  availability?: Availability;
}

export interface Consumer {
  /** Starts taking jobs, and continues through any outage of the queue. */
  start(): void;
  /** False before the start and after the end, which may be unexpected. */
  isRunning(): boolean;
  /** Changes the maximum of deliveries at once, effective immediately. */
  setConcurrency(concurrency: number): void;
  /** Takes no more jobs, waits up to `graceMs` for running ones, then aborts them. Resolves when all have ended, or soon after. A job
   *  that did not end runs again elsewhere, after its lock has expired. */
  stop(options: { graceMs: number }): Promise<void>;
}

const KEPT = 200; // finished jobs per queue, for Bull Board
const RECORDING_MS = 3_000; // between the abort and giving up
const PER_WORKER = 25; // deliveries at once

const WORKER_OPTIONS: Omit<WorkerOptions, 'connection'> = {
  autorun: false,
  // A crashed worker's job returns when its lock has expired and two checks for stalled jobs have run: 10 to 16 s.
  lockDuration: LOCK_MS,
  stalledInterval: 3_000,
  // The ledger decides, not the number of times a job returned. BullMQ would fail such a job without running it.
  maxStalledCount: 1_000_000,
  // A Redis that has just started refuses commands while it loads its file; BullMQ would pause for 15 s after each refusal.
  runRetryDelay: 500,
};

export function openConsumer(
  connection: QueueConnection,
  { queue, concurrency, handle, startJob, log, availability = openAvailability(log) }: ConsumerOptions,
): Consumer {
  const backend = openBackend(connection, { producing: false, onError: availability.lost });
  let isStopping = false;
  // One signal for all jobs. BullMQ's signal per job costs as much CPU as signing the request.
  const giveUp = new AbortController();
  setMaxListeners(0, giveUp.signal);
  const options: RunOptions = {
    queue,
    handle,
    ...(startJob && { startJob }),
    log,
    keepCompleted: backend.keepLast(KEPT),
    keepFailed: backend.keepLast(KEPT),
    isStopping: () => isStopping,
    giveUp: giveUp.signal,
  };

  // At least one worker for each shard. (Two workers of one shard fetch concurrently.)
  const shards = shardCount(queue, backend.shards);
  const count = Math.max(shards, Math.min(backend.workersPerQueue, Math.ceil(concurrency / PER_WORKER)));
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
      if (!(await settles(closed, graceMs))) {
        giveUp.abort('shutdown');
        await settles(closed, RECORDING_MS);
      }
      await settles(Promise.resolve(running), 100);
      await settles(backend.close(), RECORDING_MS);
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
