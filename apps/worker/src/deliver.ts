import type { AskForRetryResult, Attempter } from '@posthorn/core';
import { type JobEnd, type Taken, toJobId } from '@posthorn/jobs';

/** Asks for one more attempt of a delivery. */
type AskForRetry = (due: Taken, signal: AbortSignal) => Promise<AskForRetryResult>;

/** A `deliver` or `retry` job: makes and records one attempt of a delivery. If a person retries the job in Bull Board, enqueues
 *  a new job for one more attempt. */
export const deliver =
  (attempter: Attempter, askForRetry: AskForRetry) =>
  async (due: Taken, signal: AbortSignal): Promise<JobEnd> => {
    if (due.isPutBack) return askAgain(due, await askForRetry(due, signal));
    const ended = await attempter.attempt(due, signal);
    switch (ended.end) {
      case 'attempted': {
        const { report } = ended;
        // Bull Board's failed list shows deliveries that failed for good, not every 500 of an endpoint.
        return report.deliveryStatus === 'failed'
          ? {
              end: 'failed',
              reason: `${report.outcome} ${report.statusCode ?? ''}, no attempt left: ${JSON.stringify(report)}`,
            }
          : { end: 'completed', value: report };
      }
      case 'skipped':
      case 'deferred':
        return { end: 'dropped' };
      case 'early':
        return { end: 'postponed', inMs: ended.inMs };
      default:
        return ended satisfies never;
    }
  };

function askAgain({ id }: Taken, result: AskForRetryResult): JobEnd {
  switch (result.outcome) {
    case 'asked':
      return {
        end: 'completed',
        value: { retriedAs: toJobId('deliver', { id, attemptNumber: result.attemptNumber }) },
      };
    case 'not_found':
      return { end: 'dropped' };
    case 'not_possible':
      return { end: 'failed', reason: `not possible: ${result.reason}` };
    default:
      return result satisfies never;
  }
}
