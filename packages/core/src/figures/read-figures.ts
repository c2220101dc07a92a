import type pg from 'pg';
import { inTransaction } from '../database.js';
import { MAX_CONCURRENCY } from '../deliveries/concurrency.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';
import { ALIVE_SECONDS } from '../workers/record-worker.js';

/** What the ledger says of how things stand, over all accounts. */
export interface LedgerFigures {
  /** Deliveries that have been due for GRACE_SECONDS, are in nobody's hands, and have no reason to wait: somebody should have
   *  taken them. At most MOST: that many, or more. */
  pastDue: number;
  /** How long the oldest of them has been due; null: there is none. */
  oldestPastDueSeconds: number | null;
  /** Deliveries that are due and in nobody's hands, for whatever reason: their subscription has no room, its breaker is open,
   *  or they are past due. At most MOST. */
  parked: number;
  /** At most MOST. */
  held: number;
  /** Subscriptions that are not deleted. */
  subscriptions: Record<SubscriptionStatus, number>;
  /** Of active subscriptions, those that are not closed. */
  breakers: { open: number; halfOpen: number };
  /** When a feeder last succeeded; null: none has that is remembered. */
  lastFedAt: Date | null;
  /** Those that are alive, and those that died within the last ten minutes; the latest start first. */
  workers: WorkerFigures[];
}

export interface WorkerFigures {
  hostname: string;
  version: string;
  startedAt: Date;
  seenAt: Date;
  lastJobAt: Date | null;
  isAlive: boolean;
}

/** Nothing is counted beyond this: a backlog of millions must not make looking at it dear. */
const MOST = 10_000;
/** What waits for less is on its way: the feeder looks every second. */
const GRACE_SECONDS = 10;
/** Of a subscription, how many are looked at for the oldest. */
const FIRST_FEW = 10;
const TIMEOUT_MS = 3_000;

// The subscriptions that are owed something are found as the feeder finds them: a loose index scan over deliveries_feed_idx, one
// probe each. Of each only what is due is touched, the oldest first; so future retries cost nothing, however many they are.
//
// Why a delivery may wait although it is due: its subscription has a rate, its breaker is not closed, or it is answered too
// slowly to have the full concurrency. But a reason holds only while a feeder looks after it: without one, all that it would
// take now is past due.
//
// The oldest is looked for among the first few of each subscription, since the order of the index is that of being published
// where deliveries were parked, and not of being due.
const FIGURES = `
WITH RECURSIVE owed AS (
  (SELECT subscription_id FROM deliveries WHERE feed_at IS NOT NULL ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM deliveries d
    WHERE d.feed_at IS NOT NULL AND d.subscription_id > o.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM owed o WHERE o.subscription_id IS NOT NULL
),
fed AS MATERIALIZED (
  SELECT max(last_fed_at) AS at, coalesce(max(last_fed_at) > now() - interval '${ALIVE_SECONDS} seconds', false) AS is_lately FROM workers
),
due AS MATERIALIZED (
  SELECT s.id, CASE
      WHEN fed.is_lately THEN s.breaker_until IS NULL AND s.rate_limit IS NULL AND s.concurrency_limit = ${MAX_CONCURRENCY}
      ELSE s.breaker_until IS NULL OR s.breaker_until <= now()
    END AS has_no_reason
  FROM owed o JOIN subscriptions s ON s.id = o.subscription_id CROSS JOIN fed
  WHERE EXISTS (SELECT FROM deliveries d WHERE d.subscription_id = o.subscription_id AND d.feed_at <= now())
),
parked AS (
  SELECT count(*)::int FROM (
    SELECT FROM due s CROSS JOIN LATERAL (
      SELECT FROM deliveries d WHERE d.subscription_id = s.id AND d.feed_at <= now() LIMIT ${MOST}
    ) d
    LIMIT ${MOST}
  ) d
),
past_due AS (SELECT count(*)::int FROM (${late(MOST)} LIMIT ${MOST}) d),
oldest AS (SELECT extract(epoch FROM now() - min(due_at))::float8 AS seconds FROM (${late(FIRST_FEW)}) d)
SELECT past_due.count AS "pastDue", oldest.seconds AS "oldestPastDueSeconds", parked.count AS parked,
  (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE status = 'held' LIMIT ${MOST}) d) AS held, fed.at AS "lastFedAt"
FROM past_due, oldest, parked, fed`;

/** What is late, at most so much of each subscription. */
function late(perSubscription: number): string {
  return `
    SELECT d.due_at
    FROM due s CROSS JOIN LATERAL (
      SELECT CASE WHEN d.asked_trigger IS NULL THEN d.due_at ELSE d.feed_at END AS due_at FROM deliveries d
      WHERE d.subscription_id = s.id AND d.feed_at <= now() - interval '${GRACE_SECONDS} seconds'
      ORDER BY d.feed_at LIMIT ${perSubscription}
    ) d
    WHERE s.has_no_reason AND d.due_at <= now() - interval '${GRACE_SECONDS} seconds'`;
}

const SUBSCRIPTIONS = `
SELECT status, count(*)::int AS count,
  count(*) FILTER (WHERE status = 'active' AND breaker_until > now())::int AS open,
  count(*) FILTER (WHERE status = 'active' AND breaker_until <= now())::int AS "halfOpen"
FROM subscriptions WHERE deleted_at IS NULL GROUP BY status`;

const WORKERS = `
SELECT hostname, version, started_at AS "startedAt", seen_at AS "seenAt", last_job_at AS "lastJobAt",
  seen_at > now() - interval '${ALIVE_SECONDS} seconds' AS "isAlive"
FROM workers ORDER BY started_at DESC, id`;

/** Reads the figures, all as of one moment. Cheap however much there is: what it costs grows with the subscriptions, and with
 *  those of them that are owed something; not with what they are owed. Throws when the database is away, or takes longer than
 *  TIMEOUT_MS. */
export async function readFigures(pool: pg.Pool): Promise<LedgerFigures> {
  return inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);
    const ledger = await client.query<
      Pick<LedgerFigures, 'pastDue' | 'oldestPastDueSeconds' | 'parked' | 'held' | 'lastFedAt'>
    >({
      name: 'read-figures',
      text: FIGURES,
    });
    const workers = await client.query<WorkerFigures>(WORKERS);
    // The one statement that reads a table whole.
    await client.query('SET LOCAL enable_seqscan = on');
    const statuses = await client.query<{ status: SubscriptionStatus; count: number; open: number; halfOpen: number }>(
      SUBSCRIPTIONS,
    );
    const [figures] = ledger.rows;
    if (!figures) throw new Error('the figures are one row');
    const subscriptions = { unverified: 0, active: 0, paused: 0, disabled: 0 };
    const breakers = { open: 0, halfOpen: 0 };
    for (const { status, count, open, halfOpen } of statuses.rows) {
      subscriptions[status] = count;
      breakers.open += open;
      breakers.halfOpen += halfOpen;
    }
    return { ...figures, subscriptions, breakers, workers: workers.rows };
  });
}
