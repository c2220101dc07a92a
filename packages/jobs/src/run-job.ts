import type { Job } from 'bullmq';
import { type Due, type DueJob, type QueueName, type RunningJob, toJobId } from './catalog.js';
import { type EndOptions, type Ended, type JobEnd, endJob, endOfGroup, endOfSingle } from './end-job.js';
import { openGivenBack } from './given-back.js';
import { isGroup, readJob } from './job.js';
import { openLock } from './job-lock.js';
import type { Log } from './log.js';
import type { WorkersPlaces } from './places.js';

export type StartJob = (job: { queue: QueueName; jobId: string; deliveries: number }) => RunningJob;

export interface RunOptions extends EndOptions {
  /** As in ConsumerOptions. */
  handle: (due: DueJob, signal: AbortSignal) => Promise<JobEnd>;
  startJob?: StartJob;
  log: Log;
  /** Once true, nothing starts, and broken work is not reported, since the job waits again. */
  isStopping: () => boolean;
  /** Aborts when the process can wait no longer. */
  giveUp: AbortSignal;
}

/** The processor of a queue's jobs: handles each delivery as soon as it has a place, then ends the job. */
export async function runJob(
  job: Job,
  token: string | undefined,
  places: WorkersPlaces,
  options: RunOptions,
): Promise<unknown> {
  const { queue, handle, startJob, log, isStopping, giveUp } = options;
  // From here on, any error removes the job unless handled otherwise, so that its id is free again.
  job.opts.removeOnFail = true;
  const due = readJob(queue, job);
  if (due.length === 0) {
    log.error({ queue, jobId: job.id }, 'job.unreadable');
    return endJob(job, token, { end: 'dropped' }, options);
  }
  const { isStillOurs } = openLock(job, token);
  // A run counts when it has completed or failed, and BullMQ never repeats one that failed. So if a run counted, a person retried the
  // job. Runs that were postponed, returned at a shutdown or lost with their worker do not count.
  const isManualRetry = job.attemptsMade > 0;
  const left = new Set(due);
  const running = startJob?.({ queue, jobId: job.id ?? '', deliveries: due.length });
  const work = async (one: Due): Promise<Ended> => {
    // In the turn in which BullMQ hands over the job, so that it sees at once how many places are free.
    await places.enter();
    try {
      if (isStopping()) throw new Error('the worker stops');
      if (!(await isStillOurs())) return { end: 'lost' };
      return await handle({ ...one, isManualRetry, isStillOurs, ...(running && { job: running }) }, giveUp);
    } catch (error) {
      if (!isStopping()) log.error({ err: error, queue, jobId: job.id, attempt: toJobId(queue, one) }, 'job.broken');
      return { end: 'broken', error };
    } finally {
      left.delete(one);
      if (left.size === 0) running?.end();
      places.leave({ isLast: left.size === 0 });
    }
  };

  if (!isGroup(job.id)) {
    const [one] = due as [Due];
    const ended = await work(one);
    return endJob(job, token, endOfSingle(ended, isStopping()), options);
  }
  const givenBack = openGivenBack(job);
  const ends = await Promise.all(
    due.map(async (one) => {
      const ended = await work(one);
      // The dispatcher may lease it again while other deliveries of the job are in progress.
      if (ended.end === 'dropped' && left.size > 0) givenBack.add(toJobId(queue, one));
      return { one, ended };
    }),
  );
  return endJob(job, token, endOfGroup(queue, ends, isStopping()), options);
}
