/** How long a delivery may be in the queue's hands before the dispatcher asks after it. Longer than an attempt's 15 s and the
 *  queue's own recovery of a crashed worker's jobs; enqueueing what the queue still has is ignored there. */
export const LEASE_SECONDS = 60;

// `leased_until` says until when the queue has a delivery `d`; null: the queue does not have it. A retry that sleeps in the queue is
// leased until LEASE_SECONDS after it is due.

/** SQL: a lease as jobs hold it: its end, in microseconds since 1970. A worker skips a job of an earlier lease. */
export const leaseOf = (leasedUntil: string): string => `(extract(epoch FROM ${leasedUntil}) * 1000000)::float8`;

/** SQL: the lease of what is enqueued now. */
export const LEASED_FROM_NOW = `now() + interval '${LEASE_SECONDS} seconds'`;

/** SQL: the queue has the delivery, and its attempt is due. A scheduled retry does not count: its lease ends later. */
export const IS_LEASED = `d.leased_until > now() AND d.leased_until <= now() + interval '${LEASE_SECONDS} seconds' AND d.due_at <= now()`;

/** SQL: the lease is over, and no attempt has been recorded. */
export const IS_EXPIRED = `d.leased_until <= now()`;

/** SQL: the attempt is due, and the queue does not have it. */
export const IS_WAITING = `d.leased_until IS NULL AND d.due_at <= now()`;

// What a subscription has of these, in the order of pending_deliveries_dispatch_idx. Without an order, a plan that was made while the
// table was small may use the index by id, and then read all that is pending for the subscription.

/** SQL: at most `limit` deliveries of a subscription that the queue has and whose attempts are due; `more` are further conditions. */
export const leasedOf = (
  subscriptionId: string,
  { limit, more = '' }: { limit: string | number; more?: string },
): string =>
  `SELECT FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${IS_LEASED} ${more} ORDER BY d.leased_until LIMIT ${limit}`;

/** SQL: true if a lease of the subscription is over, or an attempt of it waits to be leased; else null or false. */
export const hasUnleased = (subscriptionId: string): string =>
  `(coalesce((SELECT true FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${IS_EXPIRED} ORDER BY d.leased_until LIMIT 1),
    (SELECT true FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${IS_WAITING} ORDER BY d.leased_until, d.due_at LIMIT 1)))`;
