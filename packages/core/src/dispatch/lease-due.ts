import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Due } from '../deps.js';
import type { AttemptTrigger } from '../generated/prisma/client.js';
import { hasUnleased, IS_EXPIRED, IS_WAITING, LEASE_SECONDS, leasedOf } from '../deliveries/lease.js';
import { backlogCapacityOf } from '../throttle/capacity.js';
import { isNotOpen } from '../throttle/circuit-breaker.js';
import { firstTurnOf, turnAfter, turnsLeft } from '../throttle/rate-limit.js';

export interface LeasedDelivery extends Due {
  delayMs: number;
  /** Who asked for the attempt, if it is not due by the schedule. */
  askedTrigger: AttemptTrigger | null;
  /** The queue did not have it on purpose, and not because its lease ran out. */
  wasDeferred: boolean;
}

export interface Leased {
  deliveries: LeasedDelivery[];
  /** Subscriptions that something is due to and whose breaker is not open: while there are any, look again soon. */
  waitingCount: number;
}

const LOCK = 72_707_370;
/** Where the oldest delivery of a failing subscription is looked for: from so long before the failing began, so many. */
const BEFORE_FAILING = '1 minute';
const LOOKED_AT = 10_000;
/** What a probe may be. What a person asked for does not wait for the schedule. */
const MAY_BE_SENT = `(d.leased_until IS NULL OR ${IS_EXPIRED}) AND (d.due_at <= now() OR d.asked_trigger IS NOT NULL)`;

const TURN = { firstTurn: 'w.next_slot_at', rate: 'w.rate_limit' };

/** The oldest deliveries of a subscription `r` that the queue does not have and whose attempt is due. */
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

// One round at a time in all processes (who finds another at work does nothing): what is under way is counted and what is
// chosen is added, and two at once would each fill the same room.
//
// A loose index scan over pending_deliveries_dispatch_idx: one probe per subscription that is owed anything, then the oldest due of
// each that has room, so many of each. So a subscription with a backlog of a million costs what one with a backlog of fifty
// costs. The first of each account come before the second of any: who owns many subscriptions, or has published much, gets
// no larger share. Only what is chosen is locked: a lock is a write.
//
// The room of a subscription depends on its breaker:
//   closed     the dispatcher's part of its capacity minus its leased deliveries. A scheduled retry is not leased.
//   open       none
//   half-open  one delivery, the probe, unless its probe is leased. Other leases do not count: their jobs will find the breaker.
// A rate limit lowers it to the turns that are left (throttle/rate-limit.ts).
//
// The probe is the oldest delivery that may be sent now, whenever it became due. So one after the other reaches the end of its
// schedule while new ones come in. It is looked for among those since a little before the failing began; older ones that are
// still owed are few, or became due before the others.
const LEASE = `
WITH RECURSIVE owed AS (
  (SELECT subscription_id FROM pending_deliveries ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM pending_deliveries d
    WHERE d.subscription_id > o.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM owed o WHERE o.subscription_id IS NOT NULL
),
waiting AS MATERIALIZED (
  SELECT s.id, s.account_id, s.rate_limit, s.concurrency_limit, s.failing_since, s.breaker_until IS NOT NULL AS is_half_open, s.probe_id,
    ${firstTurnOf('s')} AS next_slot_at
  FROM owed o JOIN subscriptions s ON s.id = o.subscription_id
  WHERE ${hasUnleased('o.subscription_id')}
    AND ${isNotOpen('s')}
),
roomy AS (
  SELECT w.*, least(
    CASE WHEN w.is_half_open THEN 1 - probe.count ELSE ${backlogCapacityOf('w')} - leased.count END,
    ${turnsLeft(TURN)}
  ) AS room
  FROM waiting w
  CROSS JOIN LATERAL (
    SELECT count(*) FROM pending_deliveries d WHERE d.id = w.probe_id AND d.leased_until > now() AND d.due_at <= now()
  ) probe
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      ${leasedOf('w.id', { limit: 'w.concurrency_limit', more: 'AND NOT w.is_half_open' })}
    ) d
  ) leased
),
due AS (
  SELECT c.id, r.id AS subscription_id, r.account_id, c.since, row_number() OVER (PARTITION BY r.id ORDER BY c.since) AS turn
  FROM roomy r CROSS JOIN LATERAL (
    (${oldest('CASE WHEN r.is_half_open THEN 0 ELSE greatest(0, least(r.room, $1::int)) END')})
    UNION ALL
    (SELECT old.id, old.since, old.due_at FROM (
      (${oldest('1')})
      UNION ALL
      (SELECT d.id, d.due_at, d.due_at FROM (
        SELECT d.id, d.leased_until, d.due_at, d.asked_trigger FROM pending_deliveries d
        WHERE d.subscription_id = r.id AND d.id >= posthorn_uuid_at(r.failing_since - interval '${BEFORE_FAILING}')
        ORDER BY d.id LIMIT ${LOOKED_AT}
      ) d WHERE ${MAY_BE_SENT} ORDER BY d.id LIMIT 1)
    ) old
    WHERE r.is_half_open AND r.room > 0 ORDER BY old.id LIMIT 1)
  ) c
),
fair AS (
  SELECT due.*, row_number() OVER (PARTITION BY account_id ORDER BY turn, since) AS account_turn FROM due
),
chosen AS MATERIALIZED (
  SELECT d.id, d.subscription_id, d.leased_until, coalesce(d.leased_until, d.due_at) AS since FROM pending_deliveries d
  WHERE d.id = ANY (ARRAY(SELECT id FROM fair ORDER BY account_turn, since LIMIT $2)) AND (d.leased_until IS NULL OR ${IS_EXPIRED})
  FOR UPDATE SKIP LOCKED
),
slotted AS MATERIALIZED (
  SELECT c.id, c.subscription_id, c.leased_until,
    ${turnAfter('(row_number() OVER (PARTITION BY c.subscription_id ORDER BY c.since) - 1)', TURN)} AS slot_at,
    ${turnAfter('count(*) OVER (PARTITION BY c.subscription_id)', TURN)} AS next_slot_at,
    w.is_half_open
  FROM chosen c JOIN waiting w ON w.id = c.subscription_id
),
told AS (
  UPDATE subscriptions s SET next_slot_at = l.next_slot_at, probe_id = CASE WHEN l.is_half_open THEN l.id END
  FROM (
    SELECT DISTINCT ON (subscription_id) * FROM slotted WHERE next_slot_at IS NOT NULL OR is_half_open ORDER BY subscription_id
  ) l
  WHERE s.id = l.subscription_id
),
taken AS (
  UPDATE pending_deliveries d SET leased_until = greatest(d.due_at, l.slot_at, now()) + interval '${LEASE_SECONDS} seconds'
  FROM slotted l WHERE d.id = l.id
  RETURNING d.id, d.attempt_count + 1 AS "attemptNumber", d.asked_trigger AS "askedTrigger",
    l.leased_until IS NULL AS "wasDeferred",
    CASE WHEN d.asked_trigger IN ('manual', 'test') THEN 0 ELSE greatest(0, extract(epoch FROM greatest(d.due_at, l.slot_at) - now()) * 1000) END::float8 AS "delayMs"
)
SELECT w.count::int AS "waitingCount", c.*
FROM (SELECT count(*) FROM waiting) w LEFT JOIN taken c ON true`;

/** Leases deliveries whose attempt is due (or nearly) and in nobody's hands, for LEASE_SECONDS: at most `perSubscription`
 *  of each subscription and `limit` in all. Any number of processes may call it: one at a time leases. */
export async function leaseDue(
  pool: pg.Pool,
  { perSubscription, limit }: { perSubscription: number; limit: number },
): Promise<Leased> {
  const rows = await inTransaction(pool, async (client) => {
    // A statement of its own: the next one must see what the round before has committed.
    const lock = await client.query<{ isOurs: boolean }>(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS "isOurs"`);
    if (!lock.rows[0]?.isOurs) return [];
    const taken = await client.query<LeasedDelivery & { id: string | null; waitingCount: number }>({
      name: 'lease-due',
      text: LEASE,
      values: [perSubscription, limit],
    });
    return taken.rows;
  });
  const deliveries = rows.flatMap(({ id, attemptNumber, delayMs, askedTrigger, wasDeferred }) =>
    id === null ? [] : [{ id, attemptNumber, delayMs, askedTrigger, wasDeferred }],
  );
  return { deliveries, waitingCount: rows[0]?.waitingCount ?? 0 };
}

/** The same for verifications. Leans on verifications_leased_until_idx. */
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
