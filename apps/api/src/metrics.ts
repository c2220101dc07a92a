import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the API counts. No label has values that customers make up. */
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
}

export function openMetrics({ version }: { version: string }): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'posthorn_build_info',
    help: 'Always 1; the labels tell what runs.',
    labelNames: ['version', 'node', 'app'],
    registers,
  }).set({ version, node: process.version, app: 'api' }, 1);
  return {
    registry,
    eventsAccepted: new Counter({
      name: 'posthorn_events_accepted_total',
      help: 'Events answered with 202.',
      labelNames: ['result'],
      registers,
    }),
    eventsUnmatched: new Counter({
      name: 'posthorn_events_unmatched_total',
      help: 'Events that were accepted and that no subscription wanted.',
      registers,
    }),
    eventsRejected: new Counter({
      name: 'posthorn_events_rejected_total',
      help: 'Publish requests that were refused, by the problem’s code.',
      labelNames: ['code'],
      registers,
    }),
    deliveriesCreated: new Counter({
      name: 'posthorn_deliveries_created_total',
      help: 'Deliveries made for accepted events.',
      registers,
    }),
    groupCommitSize: new Histogram({
      name: 'posthorn_group_commit_size',
      help: 'How many requests shared one statement.',
      labelNames: ['operation'],
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
    sqlStatements: new Counter({
      name: 'posthorn_sql_statements_total',
      help: 'Statements on the hot path.',
      labelNames: ['operation'],
      registers,
    }),
    enqueueFailures: new Counter({
      name: 'posthorn_enqueue_failures_total',
      help: 'Enqueues that the queue did not take, after the commit: nothing is lost, only later.',
      labelNames: ['queue'],
      registers,
    }),
    httpRequestDuration: new Histogram({
      name: 'posthorn_http_request_duration_seconds',
      help: 'Requests to this API; the route is its pattern.',
      labelNames: ['method', 'route', 'status_code'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
      registers,
    }),
  };
}
