import { IS_EXPIRED, IS_WAITING } from '../deliveries/lease.js';
import { HAS_FULL_CAPACITY } from '../throttle/capacity.js';
import { isClosed, isNotOpen } from '../throttle/circuit-breaker.js';
import { isUnordered } from '../deliveries/strict-order.js';
import { ALIVE_SECONDS } from '../workers/record-worker.js';

// What is overdue, as pieces of SQL: deliveries that have been due for GRACE_SECONDS, are in nobody's hands, and have no reason to
// wait, so that somebody should have taken them.

/** What waits for less is on its way: the dispatcher looks every second. */
const GRACE_SECONDS = 10;

/** `owed`, a recursive CTE: the subscriptions that are owed something, found as the dispatcher finds them: a loose index scan over
 *  pending_deliveries_dispatch_idx, one probe each. */
export const OWED = `
owed AS (
  (SELECT subscription_id FROM pending_deliveries ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM pending_deliveries d
    WHERE d.subscription_id > o.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM owed o WHERE o.subscription_id IS NOT NULL
)`;

/** `owed`: the subscriptions that a dispatcher should have looked at GRACE_SECONDS ago, at most `most` of each of the shards that
 *  `shards` yields. While dispatchers keep up there are none, and this is one index probe for each shard. */
export const overlookedIn = (shards: string, { most, more = '' }: { most: number; more?: string }): string => `
owed AS (
  SELECT DISTINCT e.subscription_id FROM ${shards} CROSS JOIN LATERAL (
    SELECT subscription_id FROM due_subscriptions
    WHERE shard = s.shard AND due_at <= now() - interval '${GRACE_SECONDS} seconds' ${more} ORDER BY due_at LIMIT ${most}
  ) e
)`;

/** `dispatcher` and `due`: of the subscriptions that `owed` yields, those of which something is due, and whether it may wait. Of each only
 *  what is due is touched, the oldest first; so future retries cost nothing, however many they are.
 *
 *  Why a delivery may wait although it is due: its subscription has a rate or a strict order, its breaker is not closed, or it is answered too
 *  slowly to have the full concurrency. But a reason holds only while a dispatcher looks after it: without one, all that it
 *  would take now is overdue. */
export const dueOf = (owed: string): string => `
dispatcher AS MATERIALIZED (
  SELECT max(last_dispatch_at) AS at, coalesce(max(last_dispatch_at) > now() - interval '${ALIVE_SECONDS} seconds', false) AS is_lately FROM workers
),
due AS MATERIALIZED (
  SELECT s.id, CASE
      WHEN dispatcher.is_lately THEN ${isClosed('s')} AND s.rate_limit IS NULL AND ${HAS_FULL_CAPACITY} AND ${isUnordered('s')}
      ELSE ${isNotOpen('s')}
    END AS has_no_reason
  FROM (
    SELECT subscription_id FROM ${owed} o WHERE EXISTS (SELECT FROM pending_deliveries d WHERE d.subscription_id = o.subscription_id AND ${IS_EXPIRED})
    UNION
    SELECT subscription_id FROM ${owed} o WHERE EXISTS (SELECT FROM pending_deliveries d WHERE d.subscription_id = o.subscription_id AND ${IS_WAITING})
  ) o JOIN subscriptions s ON s.id = o.subscription_id CROSS JOIN dispatcher
)`;

/** The deliveries of a subscription that are due and that the queue does not have; each of both kinds by `rest` (order and limit). */
export function unleased(subscriptionId: string, rest: string): string {
  const select = (condition: string): string =>
    `(SELECT d.due_at, d.leased_until FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${condition} ${rest})`;
  return `SELECT * FROM (${select(IS_EXPIRED)} UNION ALL ${select(IS_WAITING)}) d`;
}

/** What is overdue, with its subscription's id: at most so much of each subscription of `due`. An attempt that was asked for is
 *  due when its lease ends, whatever the schedule says. */
export const overdue = (perSubscription: number): string => `
    SELECT s.id, d.due_at
    FROM due s CROSS JOIN LATERAL (
      SELECT least(d.due_at, d.leased_until) AS due_at
      FROM (${unleased('s.id', `ORDER BY d.leased_until, d.due_at LIMIT ${perSubscription}`)}) d
      WHERE d.leased_until IS NULL OR d.leased_until <= now() - interval '${GRACE_SECONDS} seconds'
    ) d
    WHERE s.has_no_reason AND d.due_at <= now() - interval '${GRACE_SECONDS} seconds'`;

/** How many of a subscription are looked at for the oldest. Leases do not end in the order in which their attempts became due. */
export const FIRST_FEW = 10;
