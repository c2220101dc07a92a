import type { AttemptObserver } from '@posthorn/core';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The worker's counters. No label has values that customers make (account, subscription, URL, event type). */
export type Metrics = ReturnType<typeof openMetrics>;

export function openMetrics() {
  const registry = new Registry();
  // Each look at the event loop's lag wakes the process, also an idle one. Default: every 10 ms.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
  const registers = [registry];

  const attempts = new Counter({
    name: 'posthorn_attempts_total',
    help: 'HTTP tries made and recorded',
    labelNames: ['kind', 'outcome', 'status_class', 'trigger'],
    registers,
  });
  const attemptDuration = new Histogram({
    name: 'posthorn_attempt_duration_seconds',
    help: 'One HTTP try, from its start to the end of the answer',
    labelNames: ['outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
    registers,
  });
  const delivery = new Histogram({
    name: 'posthorn_delivery_seconds',
    help: 'From publish to the answer of the receiver that took it',
    labelNames: ['first_try'],
    buckets: [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3_600, 86_400, 259_200],
    registers,
  });
  const finished = new Counter({
    name: 'posthorn_deliveries_finished_total',
    help: 'Deliveries that an attempt ended',
    labelNames: ['status'],
    registers,
  });
  const disabled = new Counter({
    name: 'posthorn_subscriptions_disabled_total',
    help: 'Subscriptions that an attempt disabled',
    labelNames: ['reason'],
    registers,
  });
  const verifications = new Counter({
    name: 'posthorn_verifications_total',
    help: 'Verifications that ended',
    labelNames: ['result', 'reason'],
    registers,
  });
  const shared = new Histogram({
    name: 'posthorn_group_commit_size',
    help: 'How many shared one statement',
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
  const inFlight = new Gauge({
    name: 'posthorn_worker_in_flight',
    help: 'Deliveries and verifications at work',
    labelNames: ['queue'],
    registers,
  });
  const concurrency = new Gauge({
    name: 'posthorn_worker_concurrency',
    help: 'Deliveries at once, at most; slow attempts have slots beside the others',
    labelNames: ['queue'],
    registers,
  });
  const lastProgress = new Gauge({
    name: 'posthorn_worker_last_progress_timestamp_seconds',
    help: 'When a job last ended; 0: none did',
    registers,
  });
  const deferred = new Counter({
    name: 'posthorn_deliveries_deferred_total',
    help: 'Deliveries that a worker returned to the ledger, because their subscription had no slot or an open circuit',
    labelNames: ['reason'],
    registers,
  });
  const breakers = new Counter({
    name: 'posthorn_breaker_opened_total',
    help: 'How often the breaker of a subscription opened',
    registers,
  });
  const rounds = new Counter({
    name: 'posthorn_dispatcher_runs_total',
    help: 'Rounds of the dispatcher',
    labelNames: ['result'],
    registers,
  });
  const dispatched = new Counter({
    name: 'posthorn_dispatcher_enqueued_total',
    help: 'Attempts the dispatcher enqueued; a steady growth says that something else loses them',
    registers,
  });
  const replayed = new Counter({
    name: 'posthorn_replay_deliveries_total',
    help: 'Deliveries that replays sent again',
    labelNames: ['which'],
    registers,
  });
  const lastDispatch = new Gauge({
    name: 'posthorn_dispatcher_last_success_timestamp_seconds',
    help: 'When the dispatcher last succeeded',
    registers,
  });
  const retentionDeleted = new Counter({
    name: 'posthorn_retention_deleted_total',
    help: 'Rows that went by their age; of dropped partitions as Postgres estimates them',
    labelNames: ['table'],
    registers,
  });
  const erasedRows = new Counter({
    name: 'posthorn_erased_rows_total',
    help: 'Rows of deleted accounts that were erased or closed',
    labelNames: ['part'],
    registers,
  });
  const erasingAccounts = new Gauge({
    name: 'posthorn_erasing_accounts',
    help: 'Deleted accounts whose rows are not erased yet; it must come back to 0',
    registers,
  });
  const settled = new Counter({
    name: 'posthorn_deliveries_settled_total',
    help: 'Deliveries that workers held, released or canceled after a change of their subscription',
    labelNames: ['verb'],
    registers,
  });
  const deliveriesCreated = new Counter({
    name: 'posthorn_deliveries_created_total',
    help: 'Deliveries written for fan-outs',
    registers,
  });
  const statsFolded = new Counter({
    name: 'posthorn_stat_deltas_folded_total',
    help: 'Rows of counts that were added to the statistics',
    registers,
  });
  const enqueueFailures = new Counter({
    name: 'posthorn_enqueue_failures_total',
    help: 'Due attempts that the queue did not take; the dispatcher brings them later',
    labelNames: ['queue'],
    registers,
  });

  const observer: Required<AttemptObserver> = {
    shared(operation, size) {
      shared.observe({ operation }, size);
      statements.inc({ operation });
    },
    deferred: (reason) => deferred.inc({ reason }),
    attempted({ trigger, result, recorded, deliverySeconds, attemptNumber }) {
      attempts.inc({
        kind: 'delivery',
        outcome: result.outcome,
        status_class: statusClass(result.statusCode),
        trigger,
      });
      attemptDuration.observe({ outcome: result.outcome }, result.durationMs / 1_000);
      if (result.outcome === 'ok') delivery.observe({ first_try: String(attemptNumber === 1) }, deliverySeconds);
      if (recorded.status === 'succeeded' || recorded.status === 'failed') finished.inc({ status: recorded.status });
      if (recorded.breakerOpened) breakers.inc();
      if (recorded.disabled) disabled.inc({ reason: recorded.disabled });
    },
  };

  return {
    registry,
    observer,
    attempts,
    attemptDuration,
    verifications,
    inFlight,
    concurrency,
    lastProgress,
    rounds,
    dispatched,
    replayed,
    lastDispatch,
    retentionDeleted,
    erasedRows,
    erasingAccounts,
    settled,
    deliveriesCreated,
    statsFolded,
    enqueueFailures,
  };
}

export const statusClass = (statusCode: number | null): string =>
  statusCode === null ? 'none' : `${Math.floor(statusCode / 100)}xx`;
