import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Due } from '../deps.js';
import type { AttemptTrigger } from '../generated/prisma/client.js';
import { hasUnleased, IS_EXPIRED, IS_WAITING, LEASE_SECONDS, leaseOf, leasedOf } from '../deliveries/lease.js';
import { fanOutBefore, headOf, isInOrder, leasedBefore } from '../deliveries/strict-order.js';
import { backlogCapacityOf } from '../throttle/capacity.js';
import { lockShards } from '../shards.js';
import { isNotOpen } from '../throttle/circuit-breaker.js';
import { firstTurnOf, turnAfter, turnFreeAt, turnsLeft } from '../throttle/rate-limit.js';
import { inIdOrder, lookUp } from '../look-up.js';

export interface LeasedDelivery extends Due {
  delayMs: number;
  leasedUntil: number;
  leasedBefore: 'deferred' | 'expired';
  /** What requested the attempt; null: the schedule. */
  requestedTrigger: AttemptTrigger | null;
  /** The subscription has a strict order. */
  isInOrder: boolean;
}

/** Advisory locks: one per shard. */
export const LOCK_CLASS = 72_707_370;
/** The search for the oldest delivery of a failing subscription starts this long before `failing_since` … */
const BEFORE_FAILING = '1 minute';
/** … and reads this many deliveries at most. */
const PROBE_SEARCH_ROWS = 10_000;
/** SQL: the delivery may be the probe. An attempt that a person requested does not wait for the schedule. */
const MAY_BE_SENT = `((d.leased_until IS NULL OR ${IS_EXPIRED}) AND (d.due_at <= now() OR d.requested_trigger IS NOT NULL))`;

const TURN = { firstTurn: 'w.next_slot_at', rate: 'w.rate_limit' };

/** SQL: the oldest due deliveries of the subscription `r` that are not leased. */
const oldest = (limit: string): string => `
    SELECT * FROM (
      (SELECT d.id, d.leased_until AS since, d.due_at FROM pending_deliveries d
      WHERE d.subscription_id = r.id AND ${IS_EXPIRED}
      ORDER BY d.leased_until LIMIT ${limit})
      UNION ALL
      (SELECT d.id, d.due_at, d.due_at FROM pending_deliveries d
      WHERE d.subscription_id = r.id AND ${IS_WAITING}
      ORDER BY d.leased_until, d.due_at LIMIT ${limit})
    ) d ORDER BY since LIMIT ${limit}`;

// `scanned`: the subscriptions of this round and their entries, at most $2. The first subscription of each account comes
// before the second of any. Candidates are the oldest entries of each shard, in total 1.5 times as many. Other entries
// stay.
const SCANNED = `
entry AS MATERIALIZED (
  SELECT e.* FROM unnest($3::smallint[]) AS s (shard) CROSS JOIN LATERAL (
    SELECT ctid AS entry, account_id, subscription_id, due_at FROM due_subscriptions
    WHERE shard = s.shard AND due_at <= now() ORDER BY due_at LIMIT greatest(10, 3 * $2 / 2 / cardinality($3))
  ) e
),
scanned AS MATERIALIZED (
  SELECT account_id, subscription_id AS id, entries FROM (
    SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY since) AS turn FROM (
      SELECT account_id, subscription_id, min(due_at) AS since, array_agg(entry) AS entries FROM entry GROUP BY account_id, subscription_id
    ) e
  ) e ORDER BY turn, since LIMIT $2
),
removed AS (
  DELETE FROM due_subscriptions WHERE ctid = ANY (ARRAY(SELECT unnest(entries) FROM scanned))
)`;

// `roomy`: subscriptions whose circuit is not open. `room` is how many deliveries each may lease. `share` is how many
// this round considers: the limit, divided by the accounts and then by the subscriptions of each account.
//
// The room depends on the circuit breaker:
//   closed     the dispatcher's part of the capacity minus leased deliveries; scheduled retries are not leased
//   open       none
//   half-open  one delivery, the probe, unless it is already leased. Other leases do not count: their jobs see the
//   breaker.
// A rate limit reduces the room to the turns that are left (throttle/rate-limit.ts).
const ROOMY = `
standing AS MATERIALIZED (
  SELECT l.entries, s.id, s.account_id, s.rate_limit, s.concurrency_limit, s.failing_since, s.circuit_open_until, s.probe_id,
    s.created_at, s.events,
    ${isInOrder('s')} AS is_in_order, s.circuit_open_until IS NOT NULL AS is_half_open, ${firstTurnOf('s')} AS next_slot_at, ${isNotOpen('s')} AS is_not_open
  FROM scanned l CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = l.id LIMIT 1) s
),
share AS (
  SELECT account_id, least($1, ceil($2::float8 / count(*) OVER () / count(*)))::int AS share
  FROM standing WHERE is_not_open GROUP BY account_id
),
roomy AS MATERIALIZED (
  SELECT r.*, least(r.free, r.turns) AS room, share.share
  FROM (
    SELECT w.*, CASE WHEN w.is_half_open THEN 1 - probe.count ELSE ${backlogCapacityOf('w')} - leased.count END AS free,
      ${turnsLeft(TURN)} AS turns
    FROM standing w
    CROSS JOIN LATERAL (
      SELECT count(*) FROM pending_deliveries d WHERE d.id = w.probe_id AND d.leased_until > now() AND d.due_at <= now()
    ) probe
    CROSS JOIN LATERAL (
      SELECT count(*) FROM (
        ${leasedOf('w.id', { limit: backlogCapacityOf('w'), more: 'AND NOT w.is_half_open' })}
      ) d
    ) leased
    WHERE w.is_not_open
  ) r FULL JOIN share USING (account_id)
)`;

// `due`: the oldest deliveries of each subscription that may be leased. `chosen`: those that are, at most $2. The first
// delivery of each account comes before the second of any, so an account with many subscriptions or events gets no
// larger share. Only these are locked, because a lock is a write.
//
// The probe is the oldest delivery that may be sent now, whenever it became due. So deliveries reach the end of their
// schedule even while new ones arrive. The search starts a little before the failing began: older pending deliveries
// are few, or became due earlier.
//
// `head`: for each subscription with a strict order, the delivery whose turn it is, whether it may be leased and
// otherwise when to look again. No other delivery of these subscriptions is leased.
const CHOSEN = `
head AS MATERIALIZED (
  SELECT w.id AS subscription_id, d.id, coalesce(d.leased_until, d.due_at) AS since, d.due_at,
    (d.status <> 'held' OR d.requested_trigger IS NOT NULL) AND ${MAY_BE_SENT} IS TRUE
      AND ${leasedBefore('w.id')} IS NULL AND ${fanOutBefore({ s: 'w', d: 'd' })} IS NULL AS may_go,
    CASE WHEN d.leased_until IS NULL AND d.requested_trigger IS NULL AND d.due_at > now() THEN d.due_at ELSE now() + interval '1 second' END AS check_at
  FROM standing w CROSS JOIN LATERAL (${headOf('w.id')}) d
  WHERE w.is_in_order AND w.is_not_open
),
due AS MATERIALIZED (
  SELECT c.id, r.id AS subscription_id, r.account_id, c.since, row_number() OVER (PARTITION BY r.id ORDER BY c.since) AS turn
  FROM roomy r CROSS JOIN LATERAL (
    (${oldest('CASE WHEN r.is_half_open OR r.is_in_order THEN 0 ELSE greatest(0, least(r.room, r.share)) END')})
    UNION ALL
    (SELECT old.id, old.since, old.due_at FROM (
      (${oldest('1')})
      UNION ALL
      (SELECT d.id, d.due_at, d.due_at FROM (
        SELECT d.id, d.leased_until, d.due_at, d.requested_trigger FROM pending_deliveries d
        WHERE ${inIdOrder('d.subscription_id', 'r.id', { from: `posthorn_uuid_at(r.failing_since - interval '${BEFORE_FAILING}')` })}
        ORDER BY d.subscription_id, d.id LIMIT ${PROBE_SEARCH_ROWS}
      ) d WHERE ${MAY_BE_SENT} ORDER BY d.id LIMIT 1)
    ) old
    WHERE r.is_half_open AND NOT r.is_in_order AND r.room > 0 ORDER BY old.id LIMIT 1)
    UNION ALL
    SELECT h.id, h.since, h.due_at FROM head h WHERE h.subscription_id = r.id AND h.may_go AND r.room > 0
  ) c
),
fair AS (
  SELECT due.*, row_number() OVER (PARTITION BY account_id ORDER BY turn, since) AS account_turn FROM due
),
chosen AS MATERIALIZED (
  SELECT d.id, d.subscription_id, d.leased_until, coalesce(d.leased_until, d.due_at) AS since FROM pending_deliveries d
  WHERE d.id = ANY (ARRAY(SELECT id FROM fair ORDER BY account_turn, since LIMIT $2)) AND (d.leased_until IS NULL OR ${IS_EXPIRED})
  FOR UPDATE SKIP LOCKED
)`;

const LEASED = `
slotted AS MATERIALIZED (
  SELECT c.id, c.subscription_id, c.leased_until,
    ${turnAfter('(row_number() OVER (PARTITION BY c.subscription_id ORDER BY c.since) - 1)', TURN)} AS slot_at,
    ${turnAfter('count(*) OVER (PARTITION BY c.subscription_id)', TURN)} AS next_slot_at,
    w.is_half_open, w.is_in_order
  FROM chosen c JOIN roomy w ON w.id = c.subscription_id
),
reserved AS (
  UPDATE subscriptions s SET next_slot_at = l.next_slot_at, probe_id = CASE WHEN l.is_half_open THEN l.id END
  FROM (
    SELECT DISTINCT ON (subscription_id) * FROM slotted WHERE next_slot_at IS NOT NULL OR is_half_open ORDER BY subscription_id
  ) l
  WHERE ${lookUp('s.id', 'l.subscription_id')}
),
leased AS (
  UPDATE pending_deliveries d SET leased_until = greatest(d.due_at, l.slot_at, now()) + interval '${LEASE_SECONDS} seconds'
  FROM slotted l WHERE ${lookUp('d.id', 'l.id')}
  RETURNING d.id, d.attempt_count + 1 AS "attemptNumber", d.requested_trigger AS "requestedTrigger", l.is_in_order AS "isInOrder",
    ${leaseOf('d.leased_until')} AS "leasedUntil", CASE WHEN l.leased_until IS NULL THEN 'deferred' ELSE 'expired' END AS "leasedBefore",
    CASE WHEN d.requested_trigger IN ('manual', 'test') THEN 0 ELSE greatest(0, extract(epoch FROM greatest(d.due_at, l.slot_at) - now()) * 1000) END::float8 AS "delayMs"
)`;

/** SQL: when the dispatcher must next look at a delivery of `w` that it does not lease now. */
const NEXT_PENDING = `least(
      (SELECT d.leased_until FROM pending_deliveries d WHERE d.subscription_id = w.id AND d.leased_until > now() ORDER BY d.leased_until LIMIT 1),
      (SELECT d.due_at FROM pending_deliveries d WHERE d.subscription_id = w.id AND d.leased_until IS NULL AND d.due_at > now()
      ORDER BY d.leased_until, d.due_at LIMIT 1)
    )`;

/** SQL: when to look again at a subscription without capacity: after a tenth of the time since its last lease, 0.1 s
 *  to 1 s. */
const CAPACITY_WAIT = `least(interval '1 second', greatest(interval '0.1 seconds', (now() + interval '${LEASE_SECONDS} seconds' - (
      SELECT d.leased_until FROM pending_deliveries d
      WHERE d.subscription_id = w.id AND d.leased_until <= now() + interval '${LEASE_SECONDS} seconds' ORDER BY d.leased_until DESC LIMIT 1
    )) / 10))`;

// FULL JOIN keeps the planner from comparing each subscription with each other one (publish/insert-events.ts).
//
// `again`: when to look at each subscription next. No entry is added if a remaining one is early enough. A trigger adds
// entries for the leases.
const AGAIN = `
again AS (
  INSERT INTO due_subscriptions (shard, due_at, subscription_id, account_id)
  SELECT posthorn_shard(n.account_id), n.due_at, n.id, n.account_id FROM (
    SELECT w.account_id, w.id, w.entries, CASE
      WHEN NOT w.is_not_open THEN (SELECT w.circuit_open_until FROM pending_deliveries d WHERE d.subscription_id = w.id ORDER BY d.leased_until LIMIT 1)
      WHEN w.is_in_order THEN CASE
        WHEN c.left_over > 0 THEN now()
        WHEN h.may_go AND r.turns < 1 THEN greatest(now() + interval '0.1 seconds', ${turnFreeAt({ firstTurn: TURN.firstTurn, rate: TURN.rate })})
        -- Recording the attempt adds an entry, too. This one covers a delivery that ends without a record.
        WHEN h.may_go THEN now() + interval '1 second'
        ELSE h.check_at
      END
      WHEN c.left_over > 0 OR c.found = r.share AND NOT w.is_half_open THEN now()
      WHEN c.found IS NULL AND (r.room > 0 OR ${hasUnleased('w.id')} IS NOT TRUE) OR c.found < least(r.room, r.share) THEN ${NEXT_PENDING}
      -- The probe may be lost, or canceled.
      WHEN w.is_half_open THEN now() + interval '1 second'
      WHEN r.turns < r.free THEN greatest(now() + interval '0.1 seconds', ${turnFreeAt({ firstTurn: turnAfter('coalesce(c.found, 0)', TURN), rate: 'w.rate_limit' })})
      ELSE now() + CASE WHEN c.found > 0 THEN interval '0.1 seconds' ELSE ${CAPACITY_WAIT} END
    END AS due_at
    FROM standing w FULL JOIN roomy r ON r.id = w.id FULL JOIN head h ON h.subscription_id = w.id FULL JOIN (
      SELECT due.subscription_id, count(*) AS found, count(*) - count(chosen.id) AS left_over
      FROM due FULL JOIN chosen ON chosen.id = due.id GROUP BY due.subscription_id
    ) c ON c.subscription_id = w.id
  ) n
  -- A scalar subquery with ORDER BY guarantees one index probe each, whatever statistics the plan was made with.
  WHERE n.due_at IS NOT NULL AND (
    SELECT true FROM due_subscriptions e
    WHERE e.account_id = n.account_id AND e.subscription_id = n.id AND e.due_at <= n.due_at AND e.ctid <> ALL (n.entries)
    ORDER BY e.due_at LIMIT 1
  ) IS NULL
)`;

const LEASE = `
WITH ${[SCANNED, ROOMY, CHOSEN, LEASED, AGAIN].join(',')}
SELECT * FROM leased`;

export interface LeaseLimits {
  /** Maximum number of deliveries per subscription. */
  perSubscription: number;
  /** Maximum number of deliveries, and of subscriptions to look at. */
  limit: number;
  /** The shards to look at (due-subscriptions.ts). */
  shards: readonly number[];
}

/** Leases deliveries that are due (or nearly) and not leased, for LEASE_SECONDS, as each subscription has capacity.
 *  Any number of processes may call it: it skips shards that another process holds.
 *  Its cost grows with the subscriptions it looks at and the deliveries it leases, not with the backlog. */
export async function leaseDue(
  pool: pg.Pool,
  { perSubscription, limit, shards }: LeaseLimits,
): Promise<LeasedDelivery[]> {
  return inTransaction(pool, async (client) => {
    const ours = await lockShards(client, { lockClass: LOCK_CLASS, shards });
    if (ours.length === 0) return [];
    const { rows } = await client.query<LeasedDelivery>({
      name: 'lease-due',
      text: LEASE,
      values: [perSubscription, limit, ours],
    });
    return rows;
  });
}

/** Like leaseDue, for verifications. Uses verifications_leased_until_idx. */
export async function leaseDueVerifications(pool: pg.Pool, { limit }: { limit: number }): Promise<Due[]> {
  const { rows } = await pool.query<Due>({
    name: 'lease-due-verifications',
    text: `
      UPDATE verifications v SET leased_until = now() + interval '${LEASE_SECONDS} seconds'
      WHERE v.id = ANY (ARRAY(SELECT id FROM verifications WHERE leased_until <= now() ORDER BY leased_until LIMIT $1 FOR UPDATE SKIP LOCKED))
      RETURNING v.id, v.attempt_count + 1 AS "attemptNumber"`,
    values: [limit],
  });
  return rows;
}
