import type { AttemptObserver, VerifierOptions } from '@posthorn/core';
import { Counter, Histogram, type Registry } from 'prom-client';

/** The metrics of attempts, and the observers that set them. */
export interface AttemptMetrics {
  observer: Required<AttemptObserver>;
  observeVerification: Required<VerifierOptions>['observe'];
}

export function openAttemptMetrics(registry: Registry): AttemptMetrics {
  const registers = [registry];
  const attempts = new Counter({
    name: 'posthorn_attempts_total',
    help: 'HTTP attempts made and recorded',
    labelNames: ['kind', 'outcome', 'status_class', 'trigger'],
    registers,
  });
  // Otherwise no alert would notice that every attempt fails from the start.
  attempts.inc({ kind: 'delivery', outcome: 'ok', status_class: '2xx', trigger: 'auto' }, 0);
  const attemptDuration = new Histogram({
    name: 'posthorn_attempt_duration_seconds',
    help: 'Duration of an HTTP attempt, to the end of the response',
    labelNames: ['outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
    registers,
  });
  const verifications = new Counter({
    name: 'posthorn_verifications_total',
    help: 'Verifications that ended',
    labelNames: ['result', 'reason'],
    registers,
  });
  const results = openResultMetrics(registry);
  return {
    observer: {
      ...openStatementMetrics(registry),
      attempted(attempt) {
        const { trigger, result } = attempt;
        attempts.inc({
          kind: 'delivery',
          outcome: result.outcome,
          status_class: statusClass(result.statusCode),
          trigger,
        });
        attemptDuration.observe({ outcome: result.outcome }, result.durationMs / 1_000);
        results.attempted(attempt);
      },
      deferred: results.deferred,
    },
    observeVerification({ result, status, reason }) {
      attempts.inc({
        kind: 'verification',
        outcome: result.outcome,
        status_class: statusClass(result.statusCode),
        trigger: 'auto',
      });
      attemptDuration.observe({ outcome: result.outcome }, result.durationMs / 1_000);
      if (status !== 'pending') verifications.inc({ result: status, reason: reason ?? 'none' });
    },
  };
}

/** The effects of attempts on deliveries and subscriptions. */
function openResultMetrics(registry: Registry): Pick<Required<AttemptObserver>, 'attempted' | 'deferred'> {
  const registers = [registry];
  const delivery = new Histogram({
    name: 'posthorn_delivery_seconds',
    help: 'From publish to the successful response',
    labelNames: ['first_attempt'],
    buckets: [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3_600, 86_400, 259_200],
    registers,
  });
  const finished = new Counter({
    name: 'posthorn_deliveries_finished_total',
    help: 'Deliveries that ended with an attempt',
    labelNames: ['status'],
    registers,
  });
  for (const status of ['succeeded', 'failed']) finished.inc({ status }, 0);
  const disabled = new Counter({
    name: 'posthorn_subscriptions_disabled_total',
    help: 'Subscriptions disabled by an attempt',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['gone', 'failing']) disabled.inc({ reason }, 0);
  const deferred = new Counter({
    name: 'posthorn_deliveries_deferred_total',
    help: 'Deliveries that a worker returned to Postgres because their subscription had no slot or an open circuit',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['slots', 'circuit_open']) deferred.inc({ reason }, 0);
  const circuits = new Counter({
    name: 'posthorn_circuit_opened_total',
    help: 'How often the circuit of a subscription opened',
    registers,
  });
  return {
    deferred: (reason) => deferred.inc({ reason }),
    attempted({ result, recorded, deliverySeconds, attemptNumber }) {
      if (result.outcome === 'ok') delivery.observe({ first_attempt: String(attemptNumber === 1) }, deliverySeconds);
      if (recorded.status === 'succeeded' || recorded.status === 'failed') finished.inc({ status: recorded.status });
      if (recorded.circuitOpened) circuits.inc();
      if (recorded.disabled) disabled.inc({ reason: recorded.disabled });
    },
  };
}

function openStatementMetrics(registry: Registry): Pick<Required<AttemptObserver>, 'shared'> {
  const registers = [registry];
  const shared = new Histogram({
    name: 'posthorn_group_commit_size',
    help: 'How many calls shared one statement',
    labelNames: ['operation'],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers,
  });
  const statements = new Counter({
    name: 'posthorn_sql_statements_total',
    help: 'Statements run on the delivery path',
    labelNames: ['operation'],
    registers,
  });
  return {
    shared(operation, size) {
      shared.observe({ operation }, size);
      statements.inc({ operation });
    },
  };
}

const statusClass = (statusCode: number | null): string =>
  statusCode === null ? 'none' : `${Math.floor(statusCode / 100)}xx`;
