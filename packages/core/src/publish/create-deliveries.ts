import { LEASED_FROM_NOW, leasedOf } from '../deliveries/lease.js';
import { isUnordered } from '../deliveries/strict-order.js';
import { matchesType } from '../event-types/matches-type.js';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { isClosed, isNotOpen } from '../throttle/circuit-breaker.js';

// SQL that publishes (insert-events.ts) and fan-outs (expand-fan-outs.ts) share.
//
// Deliveries are leased directly to the queue while their subscription has capacity. The dispatcher enqueues the rest,
// so the queue never contains much of one subscription and a backlog delays nobody else. A subscription with a rate
// limit, a strict order or a circuit that is not closed has no direct capacity.

/** SQL: the subscription `s` gets a delivery, pending or held, of an event of this type. */
export const getsType = (type: string): string =>
  `s.deleted_at IS NULL AND s.status IN ('active', 'paused') AND ${matchesType(type)}`;

/** SQL: the columns of a subscription `s` that CREATE_DELIVERIES needs. */
export const PLACING = `s.id AS subscription_id, s.status = 'active' AS is_active, s.concurrency_limit,
    ${isNotOpen('s')} AS is_dispatchable, s.rate_limit IS NULL AND ${isClosed('s')} AND ${isUnordered('s')} AS is_direct`;

/** First count only leases younger than this, and the others only if these are not few. The index still has an entry
 *  for each delivery of the last minute, so counting all leases of a busy subscription is slow. */
const YOUNG_SECONDS = 5;
const FEW = 128;

/** `leased_now`: the deliveries of each subscription in the queue. Uses pending_deliveries_dispatch_idx, once per
 *  subscription and statement. */
const COUNT_LEASED = `
leased_now AS (
  SELECT m.subscription_id, greatest(young.count, leased.count) AS count
  FROM (SELECT DISTINCT subscription_id, concurrency_limit FROM matched WHERE is_active AND is_direct) m
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      ${leasedOf('m.subscription_id', { limit: FEW, youngerSeconds: YOUNG_SECONDS })}
    ) d
  ) young
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      ${leasedOf('m.subscription_id', {
        limit: 'm.concurrency_limit',
        more: `AND (young.count = ${FEW} OR m.concurrency_limit < ${MAX_CAPACITY})`,
      })}
    ) d
  ) leased
)`;

/** `placed`: the new deliveries, each with its place among those of its subscription in the queue. FULL JOIN: see insert-events.ts. */
const PLACE = `
placed AS (
  SELECT posthorn_delivery_id(m.event_id) AS id, m.*, t.count + row_number() OVER (PARTITION BY m.subscription_id ORDER BY m.position) AS place
  FROM matched m FULL JOIN leased_now t USING (subscription_id)
)`;

const CREATE = `
created AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at, leased_until)
  SELECT id, account_id, event_id, type, subscription_id, published_at,
    CASE WHEN is_active THEN 'pending'::delivery_status ELSE 'held' END,
    CASE WHEN is_active THEN now() END,
    CASE WHEN place <= concurrency_limit THEN ${LEASED_FROM_NOW} END
  FROM placed
)`;

const SUM_UP = `
created_per_event AS (
  SELECT event_id, count(*)::int AS deliveries,
    array_agg(id ORDER BY place) FILTER (WHERE place <= concurrency_limit) AS direct_ids,
    array_agg(place::int - 1 ORDER BY place) FILTER (WHERE place <= concurrency_limit) AS direct_ranks,
    (count(*) FILTER (WHERE is_active AND is_dispatchable AND (place <= concurrency_limit) IS NOT TRUE))::int AS deferred
  FROM placed GROUP BY event_id
)`;

/** SQL: the CTEs that create a delivery for each row of `matched`, and `created_per_event`. */
export const CREATE_DELIVERIES = [COUNT_LEASED, PLACE, CREATE, SUM_UP].join(',');
