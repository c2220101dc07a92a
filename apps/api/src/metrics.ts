import { QUEUE_NAMES } from '@posthorn/jobs';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ReplicaStatus } from '@posthorn/core';
import type { SystemMetrics } from './system-metrics.js';

/** Metrics of the API. No label has values that customers choose. A series that alerts or dashboards add up starts at 0, as in the worker. */
export interface ApiMetrics {
  registry: Registry;
  eventsAccepted: Counter<'result'>;
  eventsUnmatched: Counter;
  eventsRejected: Counter<'code'>;
  deliveriesCreated: Counter;
  groupCommitSize: Histogram<'operation'>;
  sqlStatements: Counter<'operation'>;
  enqueueFailures: Counter<'queue'>;
  httpRequestDuration: Histogram<'method' | 'route' | 'status_code'>;
  /** Sets the gauges of the ledger and the queue. A gauge that could not be read has no value: an old one would mislead. */
  show(systemMetrics: SystemMetrics): void;
}

export function openMetrics({ version }: { version: string }): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'posthorn_build_info',
    help: 'Always 1. The labels name the version.',
    labelNames: ['version', 'node', 'app'],
    registers,
  }).set({ version, node: process.version, app: 'api' }, 1);
  const eventsAccepted = new Counter({
    name: 'posthorn_events_accepted_total',
    help: 'Accepted events (202).',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['new', 'duplicate']) eventsAccepted.inc({ result }, 0);
  const enqueueFailures = new Counter({
    name: 'posthorn_enqueue_failures_total',
    help: 'Enqueue calls that failed after the commit. The deliveries are enqueued later.',
    labelNames: ['queue'],
    registers,
  });
  for (const queue of QUEUE_NAMES) enqueueFailures.inc({ queue }, 0);
  const showShared = openShared(registers);
  const showReplica = openReplica(registers);
  return {
    registry,
    show(systemMetrics) {
      showShared(systemMetrics);
      showReplica(systemMetrics.replica);
    },
    eventsAccepted,
    enqueueFailures,
    eventsUnmatched: new Counter({
      name: 'posthorn_events_unmatched_total',
      help: 'Accepted events without a matching subscription.',
      registers,
    }),
    eventsRejected: new Counter({
      name: 'posthorn_events_rejected_total',
      help: 'Rejected publish requests, by problem code.',
      labelNames: ['code'],
      registers,
    }),
    deliveriesCreated: new Counter({
      name: 'posthorn_deliveries_created_total',
      help: 'Deliveries created for accepted events.',
      registers,
    }),
    groupCommitSize: new Histogram({
      name: 'posthorn_group_commit_size',
      help: 'Requests that shared one SQL statement.',
      labelNames: ['operation'],
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
    sqlStatements: new Counter({
      name: 'posthorn_sql_statements_total',
      help: 'SQL statements on the hot path.',
      labelNames: ['operation'],
      registers,
    }),
    httpRequestDuration: new Histogram({
      name: 'posthorn_http_request_duration_seconds',
      help: 'Requests to this API, by route pattern.',
      labelNames: ['method', 'route', 'status_code'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
      registers,
    }),
  };
}

/** Metrics of this process: each API process has its own connections to the replica. */
function openReplica(registers: Registry[]): (replica: ReplicaStatus | null) => void {
  const gauge = (name: string, help: string) => new Gauge({ name: `posthorn_read_replica_${name}`, help, registers });
  const up = gauge(
    'up',
    '1: lists are read from the replica. 0: it is unavailable, and lists are read from the primary.',
  );
  const lag = gauge('lag_seconds', 'How far the replica lags behind its primary.');
  const fallbacks = new Counter({
    name: 'posthorn_read_replica_fallbacks_total',
    help: 'Lists and statistics that were read from the primary because the replica was unavailable.',
    registers,
  });
  let shown = 0;
  return (replica) => {
    set(up, replica && Number(replica.isUp));
    set(lag, replica?.lagSeconds);
    fallbacks.inc((replica?.fallbacks ?? shown) - shown);
    shown = replica?.fallbacks ?? shown;
  };
}

/** Metrics of the database and the queue. All processes report the same values, so queries take the `max` over instances. */
function openShared(registers: Registry[]): (systemMetrics: SystemMetrics) => void {
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `posthorn_${name}`, help: `${help} Shared.`, labelNames, registers });
  const upTo10000 = 'Counted up to 10,000.';
  const queueJobs = gauge('queue_jobs', 'Jobs in the queue.', ['queue', 'state']);
  const oldestWaiting = gauge('queue_oldest_waiting_seconds', 'How long the next job has waited.', ['queue']);
  const overdue = gauge('deliveries_overdue', `Deliveries that are due, neither leased nor deferred. ${upTo10000}`);
  const oldestOverdue = gauge(
    'deliveries_oldest_overdue_seconds',
    'How long the oldest overdue delivery has been due.',
  );
  const deferred = gauge('deliveries_deferred', `Due deliveries that wait in the ledger, for any reason. ${upTo10000}`);
  const scheduled = gauge('deliveries_scheduled', `Deliveries whose next attempt is due later. ${upTo10000}`);
  const held = gauge('deliveries_held', `Deliveries that wait until their subscription is resumed. ${upTo10000}`);
  const expanding = gauge('fan_outs_expanding', `Events whose deliveries workers are still creating. ${upTo10000}`);
  const oldestExpanding = gauge('fan_outs_oldest_seconds', 'How long the oldest of them has been expanding.');
  const operationalEvents = gauge(
    'operational_events',
    'Operational events that are not published yet. Counted up to 10,000.',
  );
  const statDeltas = gauge('stat_deltas', 'Rows of statistics that are not folded yet. Counted up to 100,000.');
  const oldestStatDelta = gauge('stat_deltas_oldest_seconds', 'Age of the oldest of them, rounded to the minute.');
  const subscriptions = gauge('subscriptions', 'Subscriptions, by status. Counted at least once a minute.', ['status']);
  const circuits = gauge(
    'circuits',
    'Active subscriptions whose circuit breaker is not closed. Counted at least once a minute.',
    ['state'],
  );
  const workersAlive = gauge('workers_alive', 'Worker processes that are alive.');
  const lastDispatch = gauge('dispatcher_last_success_timestamp_seconds', 'When a dispatcher last succeeded.');
  const partitionsAhead = gauge(
    'partitions_ahead_seconds',
    'How far into the future each partitioned table has partitions.',
  );

  return ({ ledger, queues }) => {
    for (const labeled of [queueJobs, oldestWaiting, subscriptions, circuits]) labeled.reset();
    for (const [queue, { oldestWaitingMs, ...states }] of Object.entries(queues ?? {})) {
      for (const [state, count] of Object.entries(states)) queueJobs.set({ queue, state }, count);
      oldestWaiting.set({ queue }, (oldestWaitingMs ?? 0) / 1_000);
    }
    for (const [status, count] of Object.entries(ledger?.subscriptions ?? {})) subscriptions.set({ status }, count);
    if (ledger) {
      circuits.set({ state: 'open' }, ledger.circuits.open);
      circuits.set({ state: 'half_open' }, ledger.circuits.halfOpen);
    }
    set(overdue, ledger?.overdue);
    set(oldestOverdue, ledger && (ledger.oldestOverdueSeconds ?? 0));
    set(deferred, ledger?.deferred);
    set(scheduled, ledger?.scheduled);
    set(held, ledger?.held);
    set(expanding, ledger?.expanding);
    set(oldestExpanding, ledger && (ledger.oldestExpandingSeconds ?? 0));
    set(operationalEvents, ledger?.operationalEvents);
    set(statDeltas, ledger?.statDeltas);
    set(oldestStatDelta, ledger && (ledger.oldestStatDeltaSeconds ?? 0));
    set(workersAlive, ledger?.workers.filter(({ isAlive }) => isAlive).length);
    set(partitionsAhead, ledger?.partitionsAheadSeconds);
    set(lastDispatch, ledger?.lastDispatchAt && ledger.lastDispatchAt.getTime() / 1_000);
  };
}

function set(gauge: Gauge, value: number | null | undefined): void {
  if (value === null || value === undefined) gauge.remove();
  else gauge.set(value);
}
