import type { Attempter, Due } from '@posthorn/core';
import type { JobEnd } from '@posthorn/jobs';

/** A `deliver` or `retry` job: one attempt of a delivery. */
export const deliver =
  (attempter: Attempter) =>
  async (due: Due, signal: AbortSignal): Promise<JobEnd> => {
    const ended = await attempter.attempt(due, signal);
    switch (ended.end) {
      case 'attempted': {
        const { report } = ended;
        // The dashboard's failed list shows what ended without success, not every 500 of a receiver.
        return report.deliveryStatus === 'failed'
          ? {
              end: 'failed',
              reason: `${report.outcome} ${report.statusCode ?? ''}, no attempt left: ${JSON.stringify(report)}`,
            }
          : { end: 'completed', value: report };
      }
      case 'stood_down':
      case 'parked':
        return { end: 'dropped' };
      case 'early':
        return { end: 'postponed', inMs: ended.inMs };
      default:
        return ended satisfies never;
    }
  };
