import { expect, it } from 'vitest';
import { openMetrics } from './metrics.js';
import { observeAttempts, observeVerifications } from './observe.js';

it('adds nothing to the path of an attempt while OpenTelemetry is off', () => {
  const metrics = openMetrics();
  expect(observeAttempts({ metrics, tracing: null })).toBe(metrics.observer);
  expect(observeVerifications({ metrics, tracing: null })).toBe(metrics.observeVerification);
  metrics.registry.clear();
});
