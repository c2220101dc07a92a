import type { RequestRetryResult, Attempter } from '@posthorn/core';
import { type JobEnd, type DueJob, toJobId } from '@posthorn/jobs';

/** Requests one more attempt of a delivery. */
type RequestRetry = (due: DueJob, signal: AbortSignal) => Promise<RequestRetryResult>;

/** A `deliver` or `retry` job: makes and records one attempt of a delivery. If a person retries the job in Bull Board, enqueues
 *  a new job for one more attempt. */
export const deliver =
  (attempter: Attempter, requestRetry: RequestRetry) =>
  async (due: DueJob, signal: AbortSignal): Promise<JobEnd> => {
    if (due.isManualRetry) return requestAgain(due, await requestRetry(due, signal));
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

function requestAgain({ id }: DueJob, result: RequestRetryResult): JobEnd {
  switch (result.outcome) {
    case 'requested':
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
