/** The strict order of a subscription (`ordering: "strict"`): one delivery at a time, in the order of publish, and the next one only after
 *  the one before has succeeded, failed for good or was canceled. It is at least once, as every delivery: the endpoint may see a delivery
 *  twice in a row.
 *
 *  The order is (created_at, event_id). created_at is the database's clock when the publish began, also for a fan-out and a replay, so the
 *  clocks of several APIs do not matter. Events of one batch share it, and the ids of one process ascend. Of two publishes that overlap,
 *  either may be first.
 *
 *  The head is the first unfinished delivery of the subscription. Only the dispatcher leases, and only the head:
 *
 *  the head                                       what goes
 *  is due, and nothing of the subscription leased the head
 *  or another delivery is leased                  nothing, until that is recorded or its lease ends
 *  waits for its next attempt                     nothing, until it is due
 *  is held while the subscription is active       nothing, until its release, which is under way
 *  is younger than a fan-out that has yet to      nothing, until the chunk of the subscription is written
 *  write the delivery of the subscription
 *  and the circuit is half-open                   the head is the probe
 *
 *  A replay, or a retry of a finished delivery, takes the delivery's old place. A retry of one that is not the head waits for its turn. A test
 *  has no place: it goes at once, and the head waits for its first attempt. While the subscription is not active, only what a person asks
 *  for is sent, at once and in no order.
 *
 *  The order may change at any time. To `none`: all may go at once. To `strict`: what is leased ends first. */

import { wantsType } from '../event-types/wants-type.js';

/** SQL: the subscription `s` has no order. */
export const isUnordered = (subscription: string): string => `${subscription}.ordering = 'none'`;

/** SQL: the subscription has a strict order. */
export const isStrict = (subscription: string): string => `${subscription}.ordering = 'strict'`;

/** SQL: what the dispatcher sends of the subscription is in order. */
export const isInOrder = (subscription: string): string =>
  `(${isStrict(subscription)} AND ${subscription}.status = 'active')`;

/** SQL: the lease of the delivery `d` of `s` is over, so another delivery may have the turn. Its job does nothing. */
export const IS_TURN_OVER = `(${isStrict('s')} AND d.leased_until <= now()) IS TRUE`;

/** An API's clock is at most so far ahead of the database's. Ids begin with the one, the order is by the other. */
const CLOCK_AHEAD = '2 seconds';

// The first by id, and the first by the order among those whose ids are near it. Uses pending_deliveries_subscription_id_id_idx: of a
// backlog it reads what was published within CLOCK_AHEAD of its first.
/** SQL: the head of a subscription, a row of pending_deliveries. */
export const headOf = (subscriptionId: string): string => `
    SELECT d.* FROM (
      SELECT d.id, d.created_at FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} ORDER BY d.id LIMIT 1
    ) f
    CROSS JOIN LATERAL (
      SELECT * FROM pending_deliveries d
      WHERE d.subscription_id = ${subscriptionId} AND d.id >= f.id
        AND d.id <= greatest(f.id, posthorn_uuid_at(f.created_at + interval '${CLOCK_AHEAD}'))
      ORDER BY d.created_at, d.event_id, d.id LIMIT 1
    ) d`;

/** SQL: the event of the first fan-out that has yet to write a delivery of the subscription `s` that comes before its delivery `d`; null:
 *  none. Uses fan_outs_expanding_idx. */
export const fanOutBefore = ({ s, d }: { s: string; d: string }): string => `(
    SELECT f.event_id FROM fan_outs f
    WHERE f.account_id = ${s}.account_id AND f.completed_at IS NULL AND (f.published_at, f.event_id) < (${d}.created_at, ${d}.event_id)
      AND f.created_at >= ${s}.created_at AND (f.position IS NULL OR f.position < ${s}.id) AND ${wantsType('f.event_type', s)}
    ORDER BY f.event_id LIMIT 1
  )`;

/** SQL: the delivery of a subscription that the queue or a worker has; null: none. A retry that sleeps in the queue counts, too. */
export const leasedBefore = (subscriptionId: string): string => `(
    SELECT l.id FROM pending_deliveries l WHERE l.subscription_id = ${subscriptionId} AND l.leased_until > now()
    ORDER BY l.leased_until LIMIT 1
  )`;
