import { RETAINED_TABLES } from '@posthorn/core';
import { QUEUE_NAMES } from '@posthorn/jobs';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { openAttemptMetrics } from './attempt-metrics.js';

/** The worker's metrics. No label has values that customers choose (account, subscription, URL, event type).
 *  A series that alerts or dashboards add up starts at 0: rate() and increase() cannot see the first increment of a series that begins
 *  with it (https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics). */
export type Metrics = ReturnType<typeof openMetrics>;

export function openMetrics() {
  const registry = new Registry();
  // Each check of the event loop's lag wakes the process, even an idle one. Default: every 10 ms.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
  return {
    registry,
    ...openAttemptMetrics(registry),
    ...openJobMetrics(registry),
    ...openDispatcherMetrics(registry),
    ...openUpkeepMetrics(registry),
  };
}

function openJobMetrics(registry: Registry) {
  const registers = [registry];
  const inFlight = new Gauge({
    name: 'posthorn_worker_in_flight',
    help: 'Deliveries and verifications in progress',
    labelNames: ['queue'],
    registers,
  });
  const concurrency = new Gauge({
    name: 'posthorn_worker_concurrency',
    help: 'Maximum of deliveries at once; slow attempts have additional slots',
    labelNames: ['queue'],
    registers,
  });
  const lastProgress = new Gauge({
    name: 'posthorn_worker_last_progress_timestamp_seconds',
    help: 'When a job last ended; 0: none did',
    registers,
  });
  const enqueueFailures = new Counter({
    name: 'posthorn_enqueue_failures_total',
    help: 'Due attempts that could not be enqueued; the dispatcher enqueues them later',
    labelNames: ['queue'],
    registers,
  });
  for (const queue of QUEUE_NAMES) enqueueFailures.inc({ queue }, 0);
  return { inFlight, concurrency, lastProgress, enqueueFailures };
}

/** The dispatcher, and replays, which it advances. */
function openDispatcherMetrics(registry: Registry) {
  const registers = [registry];
  const rounds = new Counter({
    name: 'posthorn_dispatcher_runs_total',
    help: 'Rounds of the dispatcher',
    labelNames: ['result'],
    registers,
  });
  const dispatched = new Counter({
    name: 'posthorn_dispatcher_enqueued_total',
    help: 'Attempts that the dispatcher enqueued; a steady growth means that jobs get lost',
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
  return { rounds, dispatched, replayed, lastDispatch };
}

/** The loops that keep the ledger in order. */
function openUpkeepMetrics(registry: Registry) {
  const registers = [registry];
  const retentionDeleted = new Counter({
    name: 'posthorn_retention_deleted_total',
    help: 'Rows removed by retention; for dropped partitions as Postgres estimates them',
    labelNames: ['table'],
    registers,
  });
  for (const table of RETAINED_TABLES) retentionDeleted.inc({ table }, 0);
  const erasedRows = new Counter({
    name: 'posthorn_erased_rows_total',
    help: 'Rows of deleted accounts that were erased or closed',
    labelNames: ['part'],
    registers,
  });
  const erasingAccounts = new Gauge({
    name: 'posthorn_erasing_accounts',
    help: 'Deleted accounts whose rows are not erased yet; it must return to 0',
    registers,
  });
  const emails = new Counter({
    name: 'posthorn_emails_total',
    help: 'Attempts to send an email: sent, failed (another one follows), dropped (refused, or no attempt is left)',
    labelNames: ['result'],
    registers,
  });
  const settled = new Counter({
    name: 'posthorn_deliveries_settled_total',
    help: 'Deliveries that workers held, released or canceled after a change of their subscription',
    labelNames: ['action'],
    registers,
  });
  const caughtUp = new Counter({
    name: 'posthorn_deliveries_caught_up_total',
    help: 'Deliveries that became due early because their subscription recovered',
    registers,
  });
  const deliveriesCreated = new Counter({
    name: 'posthorn_deliveries_created_total',
    help: 'Deliveries written for fan-outs',
    registers,
  });
  const statsFolded = new Counter({
    name: 'posthorn_stat_deltas_folded_total',
    help: 'Rows folded into the statistics',
    registers,
  });
  return { emails, retentionDeleted, erasedRows, erasingAccounts, settled, caughtUp, deliveriesCreated, statsFolded };
}
