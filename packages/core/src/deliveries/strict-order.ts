/** The strict order of a subscription (`ordering: "strict"`): one delivery at a time, in the order of publish. The next delivery starts
 *  after the one before has succeeded, failed for good or was canceled. As always, delivery is at least once: the endpoint may see a
 *  delivery twice in a row.
 *
 *  The order is (created_at, event_id). created_at is the database's clock at the start of the publish, also for fan-outs and replays, so
 *  differing clocks of APIs do not matter. Events of a batch share it; ids of one process ascend. Overlapping publishes may have either
 *  order.
 *
 *  The head is the first unfinished delivery of the subscription. Only the dispatcher leases, and only the head:
 *
 *  the head                                       what is sent
 *  is due, and nothing of the subscription leased the head
 *  or another delivery is leased                  nothing, until that is recorded or its lease ends
 *  waits for its next attempt                     nothing, until it is due
 *  is held while the subscription is active       nothing, until it is released, which is in progress
 *  is younger than a fan-out that has yet to      nothing, until the chunk of the subscription is written
 *  write the delivery of the subscription
 *  and the circuit is half-open                   the head is the probe
 *
 *  A replayed or retried finished delivery takes its old place. A retry of a delivery that is not the head waits for its turn.
 *  A test has no place: it is sent at once, and the head waits for its first attempt. While the subscription is not active, only
 *  attempts that a person requests are sent, at once and in any order.
 *
 *  The ordering may change at any time. To `none`: all deliveries may go at once. To `strict`: leased deliveries end first. */

import { matchesType } from '../event-types/matches-type.js';
import { inIdOrder } from '../look-up.js';

/** SQL: the subscription `s` has no order. */
export const isUnordered = (subscription: string): string => `${subscription}.ordering = 'none'`;

/** SQL: the subscription has a strict order. */
export const isStrict = (subscription: string): string => `${subscription}.ordering = 'strict'`;

/** SQL: the dispatcher keeps the subscription's order. */
export const isInOrder = (subscription: string): string =>
  `(${isStrict(subscription)} AND ${subscription}.status = 'active')`;

/** SQL: the lease of the delivery `d` of `s` has ended, so it may be another delivery's turn. The job of the lease
 *  does nothing. */
export const IS_TURN_OVER = `(${isStrict('s')} AND d.leased_until <= now()) IS TRUE`;

/** How far an API's clock may be ahead of the database's. Ids use the former, the order the latter. Finding a head reads
 *  what was published in this time, so it must be short. */
export const CLOCK_AHEAD_MS = 250;

// Finds the first delivery by id, then the first in order among those with nearby ids. Uses
// pending_deliveries_subscription_id_id_idx. It reads only the part of a backlog that was published within
// CLOCK_AHEAD_MS of the first.
/** SQL: the head of a subscription, a row of pending_deliveries. */
export const headOf = (subscriptionId: string): string => `
    SELECT d.* FROM (
      SELECT d.id, d.created_at FROM pending_deliveries d WHERE ${inIdOrder('d.subscription_id', subscriptionId)}
      ORDER BY d.subscription_id, d.id LIMIT 1
    ) f
    CROSS JOIN LATERAL (
      SELECT * FROM pending_deliveries d
      WHERE d.subscription_id = ${subscriptionId} AND d.id >= f.id
        AND d.id <= greatest(f.id, posthorn_uuid_at(f.created_at + interval '${CLOCK_AHEAD_MS} milliseconds'))
      ORDER BY d.created_at, d.event_id, d.id LIMIT 1
    ) d`;

/** SQL: the event of the first fan-out that still has to write a delivery of `s` that comes before the delivery `d`;
 *  null: none. Uses fan_outs_expanding_idx. */
export const fanOutBefore = ({ s, d }: { s: string; d: string }): string => `(
    SELECT f.event_id FROM fan_outs f
    WHERE f.account_id = ${s}.account_id AND f.completed_at IS NULL AND (f.published_at, f.event_id) < (${d}.created_at, ${d}.event_id)
      AND f.created_at >= ${s}.created_at AND (f.position IS NULL OR f.position < ${s}.id) AND ${matchesType('f.event_type', s)}
    ORDER BY f.event_id LIMIT 1
  )`;

/** SQL: the leased delivery of a subscription; null: none. A delayed retry counts, too. */
export const leasedBefore = (subscriptionId: string): string => `(
    SELECT l.id FROM pending_deliveries l WHERE l.subscription_id = ${subscriptionId} AND l.leased_until > now()
    ORDER BY l.leased_until LIMIT 1
  )`;
