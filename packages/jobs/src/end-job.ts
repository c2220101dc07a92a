import { DelayedError, type Job, type KeepJobs, UnrecoverableError, WaitingError } from 'bullmq';
import { type Due, type QueueName, toJobId } from './catalog.js';
import { toGroupData } from './job.js';

/** How the work on one delivery ends, and its job with it. (A job of several ends when all have; see `endOfGroup`.)
 *  completed: kept among the last ones, with `value`, for Bull Board · failed: kept among the failed ones ·
 *  dropped: there was nothing to do; removed at once, so that its id is free · postponed: runs again in `inMs` */
export type JobEnd =
  | { end: 'completed'; value: object }
  | { end: 'failed'; reason: string }
  | { end: 'dropped' }
  | { end: 'postponed'; inMs: number };

/** broken: by a fault of Posthorn or its shutdown · lost: not started, since another worker has the job. */
export type Ended = JobEnd | { end: 'broken'; error: unknown } | { end: 'lost' };

/** What happens to a job when its work has ended.
 *  failed: `deliveries` stay in it, for a retry in Bull Board; default: all · broken: failed, and removed at once ·
 *  returned: it waits again, for another worker */
type JobFate =
  | Exclude<JobEnd, { end: 'failed' }>
  | { end: 'failed'; reason: string; deliveries?: Due[] }
  | { end: 'broken'; error: unknown }
  | { end: 'returned' };

/** How a job of one delivery ends:
 *  broken by our shutdown    waits again
 *  lost                      is dropped
 *  otherwise                 as its delivery */
export function endOfSingle(ended: Ended, isStopping: boolean): JobFate {
  if (ended.end === 'broken' && isStopping) return { end: 'returned' };
  return ended.end === 'lost' ? { end: 'dropped' } : ended;
}

/** How a job of several deliveries ends if they end differently:
 *  one was broken by our shutdown    waits again; the ledger knows which deliveries have ended by then
 *  one failed                        kept among the failed, with the failed deliveries; the reason names all outcomes
 *  one completed                     kept, with all outcomes
 *  otherwise                         dropped
 *  The dispatcher enqueues other broken or postponed deliveries when their lease has ended. (Without clock differences none is
 *  postponed, since a delayed delivery has its own job.) */
export function endOfGroup(queue: QueueName, ends: { one: Due; ended: Ended }[], isStopping: boolean): JobFate {
  const has = (end: Ended['end']) => ends.some(({ ended }) => ended.end === end);
  if (isStopping && has('broken')) return { end: 'returned' };
  const outcomes = () => Object.fromEntries(ends.map(({ one, ended }) => [toJobId(queue, one), outcomeOf(ended)]));
  if (has('failed')) {
    const deliveries = ends.filter(({ ended }) => ended.end === 'failed').map(({ one }) => one);
    const reason = `${deliveries.length} of ${ends.length} failed: ${JSON.stringify(outcomes())}`;
    return { end: 'failed', reason, deliveries };
  }
  return has('completed') ? { end: 'completed', value: outcomes() } : { end: 'dropped' };
}

/** The queue of the jobs, and rules for which finished jobs it keeps. */
export interface EndOptions {
  queue: QueueName;
  keepCompleted: () => KeepJobs | false;
  keepFailed: () => KeepJobs | false;
}

/** The last step of a processor: returns what BullMQ stores with the job, or throws an error that BullMQ takes as its end. */
export async function endJob(
  job: Job,
  token: string | undefined,
  fate: JobFate,
  { queue, keepCompleted, keepFailed }: EndOptions,
): Promise<unknown> {
  switch (fate.end) {
    case 'completed':
      job.opts.removeOnComplete = keepCompleted();
      return fate.value;
    case 'failed':
      job.opts.removeOnFail = keepFailed();
      if (fate.deliveries) await job.updateData(toGroupData(queue, fate.deliveries));
      throw new UnrecoverableError(fate.reason);
    case 'dropped':
      job.opts.removeOnComplete = true;
      return null;
    case 'postponed':
      await job.moveToDelayed(Date.now() + Math.ceil(fate.inMs), token);
      throw new DelayedError();
    case 'broken':
      job.opts.removeOnFail = true;
      throw new UnrecoverableError(messageOf(fate.error));
    case 'returned':
      await job.moveToWait(token);
      throw new WaitingError();
    default:
      return fate satisfies never;
  }
}

/** The outcome of one delivery, as a job of several reports it. */
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
