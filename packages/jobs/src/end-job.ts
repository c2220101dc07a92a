import { DelayedError, type Job, type KeepJobs, UnrecoverableError, WaitingError } from 'bullmq';
import { type Due, type QueueName, toJobId } from './catalog.js';
import { toGroupData } from './job.js';

/** How the work on one delivery ends, and with it its job. (A job of several ends when all have; see `endOfGroup`.)
 *  completed: kept among the last ones, with `value`, for the dashboard · failed: kept among the failed ones ·
 *  dropped: there was nothing to do; forgotten at once, so that its id may come again · postponed: again in `inMs` */
export type JobEnd =
  | { end: 'completed'; value: object }
  | { end: 'failed'; reason: string }
  | { end: 'dropped' }
  | { end: 'postponed'; inMs: number };

/** broken: by a fault of ours, or by our shutdown · lost: not begun, as another worker has the job now. */
export type Ended = JobEnd | { end: 'broken'; error: unknown } | { end: 'lost' };

/** What happens to a job when its work has ended.
 *  failed: `deliveries` stay in it, for a person who puts it back; default: all · broken: failed, and forgotten at once ·
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

/** How a job of several deliveries ends, where they end differently:
 *  one was broken by our shutdown    waits again; the ledger knows which deliveries have ended by then
 *  one failed                        is kept among the failed, with those that did; the reason names the ends of all
 *  one completed                     is kept, with the ends of all
 *  otherwise                         is dropped
 *  The dispatcher enqueues what was broken otherwise, or postponed, when its lease has run out. (None is postponed unless the
 *  clocks of the database and the queue differ: a delivery with a delay has a job of its own.) */
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

/** The queue of the jobs, and which finished ones it keeps, asked for each. */
export interface EndOptions {
  queue: QueueName;
  keepCompleted: () => KeepJobs | false;
  keepFailed: () => KeepJobs | false;
}

/** Ends a job, as the last step of its processor: returns what BullMQ stores with it, or throws what BullMQ takes as its end. */
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

/** The end of one delivery, as a job of several reports it. */
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
