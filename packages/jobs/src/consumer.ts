import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import { type QueueName, type Taken, fromJobId } from './catalog.js';
import { openConcurrency } from './concurrency.js';
import type { Log } from './log.js';

/** How a job ends.
 *  completed: kept among the last ones, with `value`, for the dashboard · failed: kept among the failed ones ·
 *  dropped: there was nothing to do; forgotten at once, so that its id may come again · postponed: again in `inMs` */
export type JobEnd =
  | { end: 'completed'; value: object }
  | { end: 'failed'; reason: string }
  | { end: 'dropped' }
  | { end: 'postponed'; inMs: number };

export interface ConsumerOptions {
  queue: QueueName;
  /** Jobs at once. */
  concurrency: number;
  /** `signal` aborts when the process can wait no longer. A throw is a fault of ours: it is logged, the job is forgotten,
   *  and the dispatcher brings it again after a while. */
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
  /** Jobs at once, from now on; also while none of those at work ends. */
  setConcurrency(concurrency: number): void;
  /** Takes no more jobs, waits up to `graceMs` for those at work, then aborts them; resolves when all have ended, or soon
   *  after. What did not end is run again elsewhere, after its lock has run out. */
  stop(options: { graceMs: number }): Promise<void>;
}

const LOCK_MS = 10_000;
const KEPT = 200; // finished jobs of a queue, to look at
const LAST_WORDS_MS = 3_000; // between the abort and giving up
const WORTH_A_WORKER = 25; // jobs at once

export function openConsumer(
  connection: QueueConnection,
  { queue, concurrency, handle, log, availability = openAvailability(log) }: ConsumerOptions,
): Consumer {
  const backend = openBackend(connection, { producing: false, onError: availability.lost });
  const toKeep = { completed: backend.keepLast(KEPT), failed: backend.keepLast(KEPT) };
  let isStopping = false;
  // One signal for all jobs. BullMQ's signal per job costs as much CPU as signing the request.
  const giveUp = new AbortController();
  setMaxListeners(0, giveUp.signal);

  async function run(job: Job, token: string | undefined): Promise<unknown> {
    availability.found();
    // Whatever goes wrong from here on forgets the job, unless it says otherwise: its id must be free to come again.
    job.opts.removeOnFail = true;
    const due = fromJobId(queue, job.id);
    if (!due) {
      log.error({ queue, jobId: job.id }, 'job.unreadable');
      return drop(job);
    }
    if (!(await isStillOurs(job, token))) return drop(job);
    let ended: JobEnd;
    try {
      // A run counts when it has completed or failed, and we never let BullMQ try again by itself: so one that counted was put
      // back by hand. Runs that were postponed, handed back at a shutdown or lost with their worker do not count.
      const isPutBack = job.attemptsMade > 0;
      ended = await handle({ ...due, isPutBack }, giveUp.signal);
    } catch (error) {
      if (isStopping) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      log.error({ err: error, queue, jobId: job.id }, 'job.broken');
      throw new UnrecoverableError(error instanceof Error ? error.message : String(error));
    }
    switch (ended.end) {
      case 'completed':
        job.opts.removeOnComplete = toKeep.completed();
        return ended.value;
      case 'failed':
        job.opts.removeOnFail = toKeep.failed();
        throw new UnrecoverableError(ended.reason);
      case 'dropped':
        return drop(job);
      case 'postponed':
        await job.moveToDelayed(Date.now() + Math.ceil(ended.inMs), token);
        throw new DelayedError();
      default:
        return ended satisfies never;
    }
  }

  const count = Math.min(backend.workersPerQueue, Math.ceil(concurrency / WORTH_A_WORKER));
  const share = (jobs: number) => Math.ceil(jobs / count);
  const workers = Array.from({ length: count }, (_, n) =>
    backend.worker(queue, run, {
      concurrency: share(concurrency),
      autorun: false,
      // A crashed worker's job comes back when its lock has run out and the checker has been by twice: 10 to 16 s.
      lockDuration: LOCK_MS,
      stalledInterval: 3_000,
      skipStalledCheck: n > 0,
      // How often a job came back decides nothing here: the ledger does. BullMQ would fail it without running it.
      maxStalledCount: 1_000_000,
      // A Redis that has just started refuses while it loads its file; BullMQ would rest for 15 s after each refusal.
      runRetryDelay: 500,
    }),
  );
  const setShares = workers.map((worker) => openConcurrency(worker, share(concurrency)));
  let running: Promise<unknown> | undefined;

  return {
    start() {
      running = Promise.all(workers.map((worker) => worker.run())).catch((error: unknown) => {
        if (!isStopping) log.error({ err: error, queue }, 'consumer.ended');
      });
    },
    isRunning: () => workers.every((worker) => worker.isRunning()) && !isStopping,
    setConcurrency(next) {
      for (const setShare of setShares) setShare(share(next));
    },
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

/** Where the queue is far away, a job's lock may have run out before it is started, and somebody else have it: whose lock is old
 *  renews it first. */
async function isStillOurs(job: Job, token: string | undefined): Promise<boolean> {
  if (token === undefined || Date.now() - (job.processedOn ?? Date.now()) < LOCK_MS / 2) return true;
  return (await job.extendLock(token, LOCK_MS).catch(() => 0)) > 0;
}

/** Ends a job without a trace. */
function drop(job: Job): null {
  job.opts.removeOnComplete = true;
  return null;
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
