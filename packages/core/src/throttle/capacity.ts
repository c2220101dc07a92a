import { lookUp } from '../look-up.js';

/** The capacity of a subscription: how many of its deliveries may be leased at once. It is one number for all processes,
 *  `subscriptions.concurrency_limit`. A publish and the dispatcher lease no more than it leaves; scheduled retries do not count
 *  until they are due (deliveries/lease.ts).
 *
 *  event                                                        capacity afterwards
 *  the subscription is created                                  MAX_CAPACITY
 *  a worker has no slot for a delivery                          at most what this worker can have in flight for it
 *                                                               (`capacityOf` of its concurrency limiter), at least 1
 *  the circuit closes, or the subscription is resumed           at most RESTART_CAPACITY
 *  attempts succeed, all in less than QUICK_MS                  twice as much, once per second
 *  attempts succeed, some slower                                a tenth more, at least 1, once per 5 s
 *  attempts fail                                                unchanged: failures belong to the circuit breaker
 *
 *  It never exceeds MAX_CAPACITY. Additive increase after an overload follows Chiu and Jain, "Analysis of the increase and decrease
 *  algorithms for congestion avoidance" (1989). Doubling while all attempts are quick is TCP's slow start (RFC 5681).
 *
 *  The SQL expressions read the subscription `s` and, after attempts, their verdict `v` (deliver/record-attempts.ts):
 *  `v.succeeded` (an attempt succeeded) and `v.quick` (all successful attempts were quick). */

/** In deliveries. Equals the column's default and its check constraint. */
export const MAX_CAPACITY = 1_000;

/** After a pause or an outage, start with a low load on the endpoint. */
const RESTART_CAPACITY = 8;

/** SQL: the part of the capacity that the dispatcher fills. The rest is for new events, which go before a backlog. */
export const backlogCapacityOf = (subscription: string): string =>
  `least(${subscription}.concurrency_limit, ${MAX_CAPACITY / 2})`;

/** SQL: the capacity of `s` was never lowered, or has grown back. */
export const HAS_FULL_CAPACITY = `s.concurrency_limit = ${MAX_CAPACITY}`;

/** A successful attempt is quick below this duration, in milliseconds. */
export const QUICK_MS = 1_000;

const IS_TIME_TO_GROW = `s.concurrency_set_at <= now() - CASE WHEN v.quick THEN interval '1 second' ELSE interval '5 seconds' END`;

/** SQL: the verdict increases the capacity of `s`. */
export const CAPACITY_GROWS = `v.succeeded AND s.concurrency_limit < ${MAX_CAPACITY} AND ${IS_TIME_TO_GROW}`;

/** SQL: the columns of `s` after attempts. */
export const SET_CAPACITY = `
    concurrency_limit = CASE
      WHEN NOT v.succeeded THEN s.concurrency_limit
      WHEN s.circuit_open_until IS NOT NULL THEN least(s.concurrency_limit, ${RESTART_CAPACITY})
      WHEN ${IS_TIME_TO_GROW} THEN least(${MAX_CAPACITY},
        CASE WHEN v.quick THEN s.concurrency_limit * 2 ELSE s.concurrency_limit + greatest(1, s.concurrency_limit / 10) END)
      ELSE s.concurrency_limit
    END,
    concurrency_set_at = CASE
      WHEN v.succeeded AND (s.circuit_open_until IS NOT NULL OR ${IS_TIME_TO_GROW}) THEN now()
      ELSE s.concurrency_set_at
    END`;

/** SQL: lowers capacities. $1: ids of subscriptions, which may repeat · $2: how many each worker can have in flight. */
export const LOWER_CAPACITY = `
UPDATE subscriptions s SET concurrency_limit = lower.capacity, concurrency_set_at = now()
FROM (SELECT id, greatest(1, min(capacity)) AS capacity FROM unnest($1::uuid[], $2::int[]) AS t (id, capacity) GROUP BY id) lower
WHERE ${lookUp('s.id', 'lower.id')} AND s.concurrency_limit > lower.capacity`;

/** SQL: the columns of `s` when it is resumed. */
export const RESTART_WITH_LITTLE = `concurrency_limit = least(concurrency_limit, ${RESTART_CAPACITY}), concurrency_set_at = now()`;
