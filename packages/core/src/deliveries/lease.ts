/** How long a lease lasts before the dispatcher enqueues the delivery again. Longer than an attempt's 15 s and the
 *  queue's own recovery of jobs of a crashed worker. The queue ignores deliveries that it still has. */
export const LEASE_SECONDS = 60;

// `leased_until` is the end of the queue's lease of a delivery `d`; null: not leased. A delayed retry in the queue is
// leased until LEASE_SECONDS after it is due.

/** SQL: a lease in the form that jobs store: its end in microseconds since 1970. A worker skips jobs of an earlier
 *  lease. */
export const leaseOf = (leasedUntil: string): string => `(extract(epoch FROM ${leasedUntil}) * 1000000)::float8`;

/** SQL: the end of a lease that starts now. */
export const LEASED_FROM_NOW = `now() + interval '${LEASE_SECONDS} seconds'`;

/** SQL: the delivery is leased and due. Delayed retries do not count: their leases end later. */
export const IS_LEASED = isLeased('now()');

/** SQL: the lease has ended without a recorded attempt. */
export const IS_EXPIRED = `d.leased_until <= now()`;

/** SQL: the delivery is due and not leased. */
export const IS_WAITING = `d.leased_until IS NULL AND d.due_at <= now()`;

// These queries order by pending_deliveries_dispatch_idx. Without an order, a plan made while the table was small may
// use the index by id and read all pending deliveries of the subscription.

/** The time, unknown to the planner. From now() it would estimate how many leases end within a minute: often all, since its statistics are
 *  older, and then both indexes seem equally good. */
const NOW = '(SELECT now())';

/** SQL: at most `limit` leased and due deliveries of a subscription, as IS_LEASED says. `youngerSeconds`: only those leased within this time.
 *  `more` adds conditions. */
export const leasedOf = (
  subscriptionId: string,
  {
    limit,
    youngerSeconds = LEASE_SECONDS,
    more = '',
  }: { limit: string | number; youngerSeconds?: number; more?: string },
): string =>
  `SELECT FROM pending_deliveries d
      WHERE d.subscription_id = ${subscriptionId} AND ${isLeased(NOW, `${NOW} + interval '${LEASE_SECONDS - youngerSeconds} seconds'`)} ${more}
      ORDER BY d.leased_until LIMIT ${limit}`;

/** SQL: true if a lease of the subscription has ended or a due delivery is not leased; otherwise null or false. */
export const hasUnleased = (subscriptionId: string): string =>
  `(coalesce((SELECT true FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${IS_EXPIRED} ORDER BY d.leased_until LIMIT 1),
    (SELECT true FROM pending_deliveries d WHERE d.subscription_id = ${subscriptionId} AND ${IS_WAITING} ORDER BY d.leased_until, d.due_at LIMIT 1)))`;

/** SQL: the lease ends after `after`, at most LEASE_SECONDS from `now`, and the delivery is due. */
function isLeased(now: string, after = now): string {
  return `d.leased_until > ${after} AND d.leased_until <= ${now} + interval '${LEASE_SECONDS} seconds' AND d.due_at <= ${now}`;
}
