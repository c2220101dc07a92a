import type { AttemptObserver, VerifierOptions } from '@posthorn/core';
import type { Parts } from './open-parts.js';

type Observed = Pick<Parts, 'metrics' | 'tracing'>;

/** The metrics' observer and, unless OpenTelemetry is off, the spans. */
export function observeAttempts({ metrics: { observer }, tracing }: Observed): AttemptObserver {
  if (tracing === null) return observer;
  return {
    ...observer,
    attempted(attempt) {
      observer.attempted(attempt);
      tracing.attempted(attempt);
    },
  };
}

export function observeVerifications({ metrics, tracing }: Observed): NonNullable<VerifierOptions['observe']> {
  const { observeVerification } = metrics;
  if (tracing === null) return observeVerification;
  return (verification) => {
    observeVerification(verification);
    tracing.verified(verification);
  };
}
