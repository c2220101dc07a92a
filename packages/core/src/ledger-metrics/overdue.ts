import { IS_EXPIRED, IS_WAITING } from '../deliveries/lease.js';
import { HAS_FULL_CAPACITY } from '../throttle/capacity.js';
import { isClosed, isNotOpen } from '../throttle/circuit-breaker.js';
import { isUnordered } from '../deliveries/strict-order.js';
import { ALIVE_SECONDS } from '../workers/record-worker.js';

// SQL fragments for overdue deliveries: due for GRACE_SECONDS, not leased, and without a reason to wait, so that a
// dispatcher should have leased them.

/** A delivery that waits for less is not overdue: the dispatcher looks every second. */
export const GRACE_SECONDS = 10;

/** `candidates`, a recursive CTE: the subscriptions with pending deliveries. Like the dispatcher, it uses a loose index
 *  scan over pending_deliveries_dispatch_idx, one probe each. */
export const CANDIDATES = `
candidates AS (
  (SELECT subscription_id FROM pending_deliveries ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM pending_deliveries d
    WHERE d.subscription_id > o.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM candidates o WHERE o.subscription_id IS NOT NULL
)`;

/** `candidates`: the subscriptions that a dispatcher should have looked at GRACE_SECONDS ago, at most `most` of each shard
 *  in `shards`. If dispatchers keep up, it returns none and costs one index probe per shard. */
export const overlookedIn = (shards: string, { most, more = '' }: { most: number; more?: string }): string => `
candidates AS (
  SELECT DISTINCT e.subscription_id FROM ${shards} CROSS JOIN LATERAL (
    SELECT subscription_id FROM due_subscriptions
    WHERE shard = s.shard AND due_at <= now() - interval '${GRACE_SECONDS} seconds' ${more} ORDER BY due_at LIMIT ${most}
  ) e
)`;

/** `dispatcher` and `due`: the subscriptions of `candidates` with due deliveries, and whether these may wait (and for a circuit). It reads
 *  only due deliveries, the oldest first, so future retries cost nothing.
 *
 *  A due delivery may wait if its subscription has a rate limit, a strict order, a circuit that is not closed, or
 *  reduced capacity. That holds only while a dispatcher is alive: otherwise everything that it would lease now is
 *  overdue. */
export const dueOf = (candidates: string): string => `
dispatcher AS MATERIALIZED (
  SELECT max(last_dispatch_at) AS at, coalesce(max(last_dispatch_at) > now() - interval '${ALIVE_SECONDS} seconds', false) AS is_lately FROM workers
),
due AS MATERIALIZED (
  SELECT s.id, s.account_id, NOT ${isClosed('s')} AS is_broken, CASE
      WHEN dispatcher.is_lately THEN ${isClosed('s')} AND s.rate_limit IS NULL AND ${HAS_FULL_CAPACITY} AND ${isUnordered('s')}
      ELSE ${isNotOpen('s')}
    END AS has_no_reason
  FROM (
    SELECT subscription_id FROM ${candidates} o WHERE EXISTS (SELECT FROM pending_deliveries d WHERE d.subscription_id = o.subscription_id AND ${IS_EXPIRED})
    UNION
    SELECT subscription_id FROM ${candidates} o WHERE EXISTS (SELECT FROM pending_deliveries d WHERE d.subscription_id = o.subscription_id AND ${IS_WAITING})
  ) o JOIN subscriptions s ON s.id = o.subscription_id CROSS JOIN dispatcher
)`;

/** SQL: the due deliveries of a subscription that are not leased. `rest` is the order and limit for each of the two
 *  kinds. */
export function unleased(subscriptionId: string, rest: string): string {
  const select = (condition: string): string =>
    `(SELECT d.due_at, d.leased_until FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${condition} ${rest})`;
  return `SELECT * FROM (${select(IS_EXPIRED)} UNION ALL ${select(IS_WAITING)}) d`;
}

/** SQL: overdue deliveries with their subscription's id, at most `perSubscription` of each in `due`. A requested
 *  attempt is due when its lease ends, regardless of the schedule. */
export const overdue = (perSubscription: number): string => `
    SELECT s.id, d.due_at
    FROM due s CROSS JOIN LATERAL (
      SELECT least(d.due_at, d.leased_until) AS due_at
      FROM (${unleased('s.id', `ORDER BY d.leased_until, d.due_at LIMIT ${perSubscription}`)}) d
      WHERE d.leased_until IS NULL OR d.leased_until <= now() - interval '${GRACE_SECONDS} seconds'
    ) d
    WHERE s.has_no_reason AND d.due_at <= now() - interval '${GRACE_SECONDS} seconds'`;

/** How many deliveries of a subscription are read to find the oldest. Leases do not end in the order in which
 *  deliveries became due. */
export const FIRST_FEW = 10;
