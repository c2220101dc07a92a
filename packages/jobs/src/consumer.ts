import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { type Availability, openAvailability } from './availability.js';
import { type QueueConnection, openBackend } from './backend.js';
import { type Due, type QueueName, type Taken, toJobId } from './catalog.js';
import { type Progress, isGroup, readJob, toGroupData } from './job.js';
import type { Log } from './log.js';
import { type Places, openPlaces } from './places.js';

/** How the work on one delivery ends, and with it its job. (A job of several ends when all have; see `endGroup`.)
 *  completed: kept among the last ones, with `value`, for the dashboard · failed: kept among the failed ones ·
 *  dropped: there was nothing to do; forgotten at once, so that its id may come again · postponed: again in `inMs` */
export type JobEnd =
  | { end: 'completed'; value: object }
  | { end: 'failed'; reason: string }
  | { end: 'dropped' }
  | { end: 'postponed'; inMs: number };

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

/** broken: by a fault of ours, or by our shutdown · lost: not begun, as another worker has the job now. */
type Ended = JobEnd | { end: 'broken'; error: unknown } | { end: 'lost' };

const LOCK_MS = 10_000;
const KEPT = 200; // finished jobs of a queue, to look at
const LAST_WORDS_MS = 3_000; // between the abort and giving up
const WORTH_A_WORKER = 25; // deliveries at once

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

  async function run(job: Job, token: string | undefined, places: Places): Promise<unknown> {
    availability.found();
    // Whatever goes wrong from here on forgets the job, unless it says otherwise: its id must be free to come again.
    job.opts.removeOnFail = true;
    const due = readJob(queue, job);
    if (due.length === 0) {
      log.error({ queue, jobId: job.id }, 'job.unreadable');
      return drop(job);
    }
    const ours = openOwnership(job, token);
    // A run counts when it has completed or failed, and we never let BullMQ try again by itself: so one that counted was put
    // back by hand. Runs that were postponed, handed back at a shutdown or lost with their worker do not count.
    const isPutBack = job.attemptsMade > 0;
    const left = new Set(due);
    const work = async (one: Due): Promise<Ended> => {
      // In the turn in which BullMQ hands the job over: it then sees at once how many places are left.
      await places.enter();
      try {
        if (isStopping) throw new Error('the worker stops');
        return (await ours.isStillOurs()) ? await handle({ ...one, isPutBack }, giveUp.signal) : { end: 'lost' };
      } catch (error) {
        if (!isStopping) log.error({ err: error, queue, jobId: job.id, attempt: toJobId(queue, one) }, 'job.broken');
        return { end: 'broken', error };
      } finally {
        left.delete(one);
        places.leave({ isLast: left.size === 0 });
      }
    };

    if (!isGroup(job.id)) {
      const [one] = due as [Due];
      return endSingle(job, token, await work(one));
    }
    const givenBack = openGivenBack(job);
    const ends = await Promise.all(
      due.map(async (one) => {
        const ended = await work(one);
        // The dispatcher may bring it again while others of the job are under way.
        if (ended.end === 'dropped' && left.size > 0) givenBack.add(toJobId(queue, one));
        return { one, ended };
      }),
    );
    return endGroup(job, token, ends);
  }

  async function endSingle(job: Job, token: string | undefined, ended: Ended): Promise<unknown> {
    switch (ended.end) {
      case 'completed':
        job.opts.removeOnComplete = toKeep.completed();
        return ended.value;
      case 'failed':
        job.opts.removeOnFail = toKeep.failed();
        throw new UnrecoverableError(ended.reason);
      case 'dropped':
      case 'lost':
        return drop(job);
      case 'postponed':
        await job.moveToDelayed(Date.now() + Math.ceil(ended.inMs), token);
        throw new DelayedError();
      case 'broken':
        if (!isStopping) throw new UnrecoverableError(messageOf(ended.error));
        await job.moveToWait(token);
        throw new WaitingError();
      default:
        return ended satisfies never;
    }
  }

  /** How a job of several deliveries ends, where they end differently:
   *  one was broken by our shutdown    waits again; what has ended is ended by then, says the ledger
   *  one failed                        is kept among the failed, with those that did; the reason tells of all
   *  one completed                     is kept, and tells of all
   *  otherwise                         is dropped
   *  What was broken otherwise, or postponed, the dispatcher brings again when its lease has run out. (None is postponed unless the clocks of
   *  the database and the queue differ: what has a delay has a job of its own.) */
  async function endGroup(job: Job, token: string | undefined, ends: { one: Due; ended: Ended }[]): Promise<unknown> {
    const of = (end: Ended['end']) => ends.filter(({ ended }) => ended.end === end).map(({ one }) => one);
    const [broken, failed] = [of('broken'), of('failed')];
    if (isStopping && broken.length > 0) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const outcomes = Object.fromEntries(ends.map(({ one, ended }) => [toJobId(queue, one), outcomeOf(ended)]));
    if (failed.length > 0) {
      job.opts.removeOnFail = toKeep.failed();
      await job.updateData(toGroupData(queue, failed)); // what a person puts back
      throw new UnrecoverableError(`${failed.length} of ${ends.length} failed: ${JSON.stringify(outcomes)}`);
    }
    if (of('completed').length === 0) return drop(job);
    job.opts.removeOnComplete = toKeep.completed();
    return outcomes;
  }

  const count = Math.min(backend.workersPerQueue, Math.ceil(concurrency / WORTH_A_WORKER));
  const share = (jobs: number) => Math.ceil(jobs / count);
  const workers = Array.from({ length: count }, (_, n) => {
    const worker = backend.worker(queue, (job, token) => run(job, token, places), {
      autorun: false,
      // A crashed worker's job comes back when its lock has run out and the checker has been by twice: 10 to 16 s.
      lockDuration: LOCK_MS,
      stalledInterval: 3_000,
      skipStalledCheck: n > 0,
      // How often a job came back decides nothing here: the ledger does. BullMQ would fail it without running it.
      maxStalledCount: 1_000_000,
      // A Redis that has just started refuses while it loads its file; BullMQ would rest for 15 s after each refusal.
      runRetryDelay: 500,
    });
    const places = openPlaces(worker, share(concurrency));
    return { worker, places };
  });
  let running: Promise<unknown> | undefined;

  return {
    start() {
      running = Promise.all(workers.map(({ worker }) => worker.run())).catch((error: unknown) => {
        if (!isStopping) log.error({ err: error, queue }, 'consumer.ended');
      });
    },
    isRunning: () => workers.every(({ worker }) => worker.isRunning()) && !isStopping,
    setConcurrency(next) {
      for (const { places } of workers) places.resize(share(next));
    },
    async stop({ graceMs }) {
      isStopping = true;
      const closed = Promise.all(workers.map(({ worker }) => worker.close())).catch((error: unknown) =>
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

/** What is told of one delivery among others. */
function outcomeOf(ended: Ended): unknown {
  switch (ended.end) {
    case 'completed':
      return ended.value;
    case 'failed':
      return ended.reason;
    case 'broken':
      return `broken: ${messageOf(ended.error)}`;
    default:
      return ended.end;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Where the queue is far away, a job's lock may have run out before it is started, and somebody else have it; and so while our process
 *  stood still. Whose lock was looked at long ago renews it first. */
function openOwnership(job: Job, token: string | undefined) {
  let lookedAt = job.processedOn ?? Date.now();
  let looking = Promise.resolve(true);
  return {
    isStillOurs(): Promise<boolean> {
      if (token === undefined || Date.now() - lookedAt < LOCK_MS / 2) return looking;
      lookedAt = Date.now();
      looking = job
        .extendLock(token, LOCK_MS)
        .then((extended) => extended > 0)
        .catch(() => false);
      return looking;
    },
  };
}

/** Has the queue know which deliveries of a job no worker has any more. Best effort: what it does not learn, a lease ends. */
function openGivenBack(job: Job) {
  const ids: string[] = [];
  let isAsked = false;
  return {
    add(id: string): void {
      ids.push(id);
      if (isAsked) return;
      isAsked = true;
      // Those that end together are told of together.
      setImmediate(() => {
        isAsked = false;
        job.updateProgress({ givenBack: ids } satisfies Progress).catch(() => {});
      });
    },
  };
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
