import type pg from 'pg';
import { inTransaction } from '../database.js';
import { readAheadSeconds } from '../retention/partitions.js';
import { LEASED_FROM_NOW } from '../deliveries/lease.js';
import { ALIVE_SECONDS } from '../workers/record-worker.js';
import { dueOf, FIRST_FEW, GRACE_SECONDS, CANDIDATES, overdue, unleased } from './overdue.js';

/** Metrics of the ledger over all accounts. */
export interface LedgerMetrics {
  /** Overdue deliveries (overdue.ts), counted up to MOST. */
  overdue: number;
  /** How long the oldest of them has been due; null: none is overdue. */
  oldestOverdueSeconds: number | null;
  /** Due deliveries without a lease, for any reason: no capacity, an open circuit, or overdue. Counted up to MOST. */
  deferred: number;
  /** Deliveries that wait until their next attempt is due. Counted up to MOST. */
  scheduled: number;
  /** The deferred ones that wait for a circuit to close. Counted up to MOST. */
  deferredByCircuit: number;
  /** The accounts that have been behind for the longest time, at most ACCOUNTS_BEHIND. */
  mostBehind: AccountBehind[];
  /** Counted up to MOST. */
  held: number;
  /** Fan-outs that are expanding (publish/expand-fan-outs.ts), counted up to MOST. */
  expanding: number;
  /** How long the oldest of them has been expanding; null: none is. */
  oldestExpandingSeconds: number | null;
  /** The event of the oldest one; null: none is. */
  oldestExpanding: { accountId: string; eventId: string } | null;
  /** Rows of counts that are not folded into the statistics yet (stats/fold-stats.ts), counted up to MOST_DELTAS. */
  statDeltas: number;
  /** Seconds since the start of the minute in which the oldest of them was written; null: none. */
  oldestStatDeltaSeconds: number | null;
  /** Operational events that are not published yet, counted up to MOST. */
  operationalEvents: number;
  /** When a dispatcher last succeeded; null: unknown. */
  lastDispatchAt: Date | null;
  /** Workers that are alive or died within the last ten minutes, the latest start first. */
  workers: WorkerMetrics[];
  /** For how long ahead every partitioned table has partitions. */
  partitionsAheadSeconds: number;
}

/** An account with a delivery that has been due for longer than GRACE_SECONDS, for any reason. */
export interface AccountBehind {
  accountId: string;
  /** At most MOST. */
  deferred: number;
  oldestDueSeconds: number;
}

export interface WorkerMetrics {
  hostname: string;
  version: string;
  startedAt: Date;
  seenAt: Date;
  lastJobAt: Date | null;
  isAlive: boolean;
}

/** Counting stops here, so that a backlog of millions does not make the metrics slow. */
const MOST = 10_000;
/** Under load, this many are written between two folds. The rows are narrow: counting them takes about 10 ms. */
const MOST_DELTAS = 100_000;
const ACCOUNTS_BEHIND = 5;
export const TIMEOUT_MS = 3_000;

/** SQL: how many deliveries of `due` are deferred. */
const countDeferred = (condition: string): string => `(
  SELECT count(*)::int FROM (
    SELECT FROM due s CROSS JOIN LATERAL (
      ${unleased('s.id', `ORDER BY d.leased_until, d.due_at LIMIT ${MOST}`)}
    ) d
    WHERE ${condition} LIMIT ${MOST}
  ) d
)`;

// Either in the ledger, or delayed in the queue with a lease that starts when it is due. Both are ranges of
// pending_deliveries_dispatch_idx.
const scheduledWith = (lease: string, order: string): string => `(
      SELECT FROM pending_deliveries d WHERE d.subscription_id = o.subscription_id AND ${lease} AND d.due_at > now() ORDER BY ${order} LIMIT ${MOST}
    )`;
const COUNT_SCHEDULED = `(
  SELECT count(*)::int FROM (
    SELECT FROM candidates o CROSS JOIN LATERAL (
      ${scheduledWith('d.leased_until IS NULL', 'd.leased_until, d.due_at')}
      UNION ALL
      ${scheduledWith(`d.leased_until > ${LEASED_FROM_NOW}`, 'd.leased_until')}
    ) d LIMIT ${MOST}
  ) d
)`;

const METRICS = `
WITH RECURSIVE ${CANDIDATES},
${dueOf('candidates')},
behind AS (
  SELECT s.account_id, min(d.due_at) AS due_at
  FROM due s CROSS JOIN LATERAL (
    SELECT least(d.due_at, d.leased_until) AS due_at FROM (${unleased('s.id', `ORDER BY d.leased_until, d.due_at LIMIT ${FIRST_FEW}`)}) d
  ) d
  GROUP BY s.account_id HAVING min(d.due_at) <= now() - interval '${GRACE_SECONDS} seconds'
  ORDER BY min(d.due_at), s.account_id LIMIT ${ACCOUNTS_BEHIND}
),
most_behind AS (
  SELECT coalesce(json_agg(json_build_object(
    'accountId', b.account_id, 'deferred', ${countDeferred('s.account_id = b.account_id')},
    'oldestDueSeconds', extract(epoch FROM now() - b.due_at)::float8
  ) ORDER BY b.due_at, b.account_id), '[]') AS accounts
  FROM behind b
),
overdue AS (SELECT count(*)::int FROM (${overdue(MOST)} LIMIT ${MOST}) d),
expanding AS (SELECT account_id, event_id, created_at FROM fan_outs WHERE completed_at IS NULL LIMIT ${MOST}),
oldest AS (SELECT extract(epoch FROM now() - min(due_at))::float8 AS seconds FROM (${overdue(FIRST_FEW)}) d)
SELECT overdue.count AS "overdue", oldest.seconds AS "oldestOverdueSeconds", ${countDeferred('true')} AS deferred,
  ${COUNT_SCHEDULED} AS scheduled,
  ${countDeferred('s.is_broken')} AS "deferredByCircuit", most_behind.accounts AS "mostBehind",
  (SELECT count(*)::int FROM (SELECT FROM pending_deliveries WHERE status = 'held' LIMIT ${MOST}) d) AS held,
  fan_outs.expanding, fan_outs.seconds AS "oldestExpandingSeconds", (
    SELECT json_build_object('accountId', e.account_id, 'eventId', e.event_id) FROM expanding e ORDER BY e.created_at, e.event_id LIMIT 1
  ) AS "oldestExpanding", dispatcher.at AS "lastDispatchAt",
  (SELECT count(*)::int FROM (SELECT FROM operational_events LIMIT ${MOST}) o) AS "operationalEvents",
  stat_deltas.count AS "statDeltas", stat_deltas.seconds AS "oldestStatDeltaSeconds"
FROM overdue, oldest, most_behind, dispatcher, (
  SELECT count(*)::int AS count, extract(epoch FROM now() - min(at))::float8 AS seconds
  FROM (SELECT at FROM stat_deltas LIMIT ${MOST_DELTAS}) d
) stat_deltas, (
  SELECT count(*)::int AS expanding, extract(epoch FROM now() - min(created_at))::float8 AS seconds
  FROM expanding
) fan_outs`;

const WORKERS = `
SELECT hostname, version, started_at AS "startedAt", seen_at AS "seenAt", last_job_at AS "lastJobAt",
  seen_at > now() - interval '${ALIVE_SECONDS} seconds' AS "isAlive"
FROM workers ORDER BY started_at DESC, id`;

/** Reads the ledger metrics, all at one moment. The cost grows with the subscriptions that have pending
 *  deliveries, not with the number of deliveries. Throws if the database is unavailable or takes longer than
 *  TIMEOUT_MS. */
export async function readLedgerMetrics(pool: pg.Pool): Promise<LedgerMetrics> {
  return inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);
    const ledger = await client.query<Omit<LedgerMetrics, 'workers' | 'partitionsAheadSeconds'>>({
      name: 'read-metrics',
      text: METRICS,
    });
    const workers = await client.query<WorkerMetrics>(WORKERS);
    const partitionsAheadSeconds = await readAheadSeconds(client);
    const [metrics] = ledger.rows;
    if (!metrics) throw new Error('the ledger metrics have no row');
    return { ...metrics, workers: workers.rows, partitionsAheadSeconds };
  });
}
