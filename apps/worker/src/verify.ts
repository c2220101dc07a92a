import type { Due, Verifier } from '@posthorn/core';
import type { JobEnd } from '@posthorn/jobs';

/** A `verify` job: one attempt of a handshake. */
export const verify =
  (verifier: Verifier) =>
  async (due: Due, signal: AbortSignal): Promise<JobEnd> => {
    const ended = await verifier.attempt(due, signal);
    if (ended.end === 'skipped') return { end: 'dropped' };
    const { report } = ended;
    return report.status === 'failed'
      ? { end: 'failed', reason: `not verified: ${report.reason}: ${JSON.stringify(report)}` }
      : { end: 'completed', value: report };
  };
