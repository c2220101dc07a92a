import type pg from 'pg';
import { LEASED_FROM_NOW, LEASE_SECONDS, leaseOf, leasedOf } from '../deliveries/lease.js';
import { matchesType } from '../event-types/matches-type.js';
import { THIS_MINUTE } from '../stats/stat.js';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { isClosed, isNotOpen } from '../throttle/circuit-breaker.js';
import { isUnordered } from '../deliveries/strict-order.js';
import type { FrozenEvent } from './freeze-event.js';

export interface NewEvent {
  id: string;
  accountId: string;
  frozen: FrozenEvent;
  createdAt: Date;
  /** SHA-256 of the body; null without a key. */
  idempotency: { key: string; bodyHash: Buffer } | null;
}

/** The result for one event. If it is not `accepted` although the account is `held` and the type known, its key was
 *  used before. */
export interface InsertedEvent {
  /** `held`: we hold the lock on its row. `locked`: another transaction does. `unknown`: it does not exist or is
   *  deleted. */
  account: 'held' | 'locked' | 'unknown';
  typeKnown: boolean;
  accepted: boolean;
  /** For a fan-out, the expected number. */
  deliveryCount: number;
  /** Workers write its deliveries (publish/expand-fan-outs.ts). */
  isFanOut: boolean;
  /** Deliveries to enqueue now. Held ones and those that wait for the dispatcher are not included. */
  directIds: string[];
  /** For each of `directIds`: how many deliveries of its subscription are before it. */
  directRanks: number[];
  /** The lease of `directIds` (leaseOf). */
  leasedUntil: number;
  /** How many wait only for the dispatcher. Deliveries that wait for an open circuit are not counted; a half-open
   *  one needs a probe. */
  deferredCount: number;
}

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

// The statement writes deliveries of as many events as fit its limit ($12), those with the fewest first. Every other
// event becomes a fan-out. Counting stops at the limit, unless the event is a fan-out whose expected number is not
// known ($11).
//
// Deliveries are leased directly to the queue while their subscription has capacity. The dispatcher enqueues the rest,
// so the queue never contains much of one subscription and a backlog delays nobody else. A subscription with a rate
// limit, a strict order or a circuit that is not closed has no direct capacity.
//
// OFFSET 0 keeps the planner from joining whole tables: it overestimates the number of events and would read the
// subscriptions of all accounts for each.
//
// Uses pending_deliveries_dispatch_idx for the capacity, once per subscription and statement, the keys of accounts and
// event_types, and subscriptions_account_id_id_idx. The lock on the account, like that of a foreign key, makes an
// erasure wait for this statement. Rows locked by another transaction are skipped, so no event waits for them; their
// callers repeat.
const ACCEPT = `
WITH input AS (
  SELECT t.*, substr($9::bytea, t.body_start, t.body_bytes) AS body
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::boolean[], $7::timestamptz[], $8::text[], $10::bytea[], $11::int[])
    WITH ORDINALITY AS t (id, account_id, type, body_start, body_bytes, suppressed, created_at, key, body_hash, known, position)
),
account AS (
  SELECT id FROM accounts WHERE id = ANY (ARRAY(SELECT account_id FROM input)) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE SKIP LOCKED
),
valid AS (
  SELECT i.* FROM input i JOIN account a ON a.id = i.account_id JOIN event_types t ON t.name = i.type
),
new_key AS (
  INSERT INTO idempotency_keys AS k (account_id, key, event_id, body_hash)
  SELECT account_id, key, id, body_hash FROM valid WHERE key IS NOT NULL ORDER BY account_id, key
  ON CONFLICT (account_id, key) DO UPDATE
    SET event_id = excluded.event_id, body_hash = excluded.body_hash, created_at = now()
    WHERE k.created_at < now() - interval '24 hours'
  RETURNING event_id
),
accepted AS (
  SELECT * FROM valid WHERE key IS NULL OR id IN (SELECT event_id FROM new_key)
),
reach AS (
  SELECT w.account_id, w.type, CASE WHEN few.count <= $12 THEN few.count ELSE (
    SELECT count(*) FROM subscriptions s WHERE s.account_id = w.account_id AND ${getsType('w.type')}
  ) END AS count
  FROM (SELECT DISTINCT account_id, type FROM accepted WHERE NOT suppressed AND known IS NULL) w
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      SELECT FROM subscriptions s WHERE s.account_id = w.account_id AND ${getsType('w.type')} LIMIT $12::int + 1
    ) s
  ) few
),
sized AS (
  SELECT e.*, coalesce(e.known, r.count, 0) AS expected,
    sum(coalesce(e.known, r.count, 0)) OVER (ORDER BY coalesce(e.known, r.count, 0), e.position) > $12 AS is_fan_out
  FROM accepted e LEFT JOIN reach r ON r.account_id = e.account_id AND r.type = e.type AND NOT e.suppressed
),
fanned_out AS (
  INSERT INTO fan_outs (event_id, account_id, event_type, expected, created_at)
  SELECT id, account_id, type, expected, clock_timestamp() FROM sized WHERE is_fan_out
),
matched AS (
  SELECT e.id AS event_id, e.account_id, e.type, e.position, now() AS published_at, s.*
  FROM sized e CROSS JOIN LATERAL (
    SELECT ${PLACING} FROM subscriptions s WHERE s.account_id = e.account_id AND ${getsType('e.type')} OFFSET 0
  ) s
  WHERE NOT e.suppressed AND NOT e.is_fan_out
)`;

/** SQL: the CTEs that create a delivery for each row of `matched`, and `created_per_event`. Expanders use them, too. */
export const CREATE_DELIVERIES = `
leased_now AS (
  SELECT m.subscription_id, greatest(young.count, leased.count) AS count
  FROM (SELECT DISTINCT subscription_id, concurrency_limit FROM matched WHERE is_active AND is_direct) m
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      ${leasedOf('m.subscription_id', { limit: FEW, more: `AND d.leased_until > now() + interval '${LEASE_SECONDS - YOUNG_SECONDS} seconds'` })}
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
),
placed AS (
  SELECT posthorn_delivery_id(m.event_id) AS id, m.*, t.count + row_number() OVER (PARTITION BY m.subscription_id ORDER BY m.position) AS place
  FROM matched m LEFT JOIN leased_now t USING (subscription_id)
),
created AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at, leased_until)
  SELECT id, account_id, event_id, type, subscription_id, published_at,
    CASE WHEN is_active THEN 'pending'::delivery_status ELSE 'held' END,
    CASE WHEN is_active THEN now() END,
    CASE WHEN place <= concurrency_limit THEN ${LEASED_FROM_NOW} END
  FROM placed
),
created_per_event AS (
  SELECT event_id, count(*)::int AS deliveries,
    array_agg(id ORDER BY place) FILTER (WHERE place <= concurrency_limit) AS direct_ids,
    array_agg(place::int - 1 ORDER BY place) FILTER (WHERE place <= concurrency_limit) AS direct_ranks,
    (count(*) FILTER (WHERE is_active AND is_dispatchable AND (place <= concurrency_limit) IS NOT TRUE))::int AS deferred
  FROM placed GROUP BY event_id
)`;

const INSERT = `${ACCEPT},${CREATE_DELIVERIES},
counted AS (
  INSERT INTO stat_deltas (account_id, event_type, at, count)
  SELECT account_id, type, ${THIS_MINUTE}, count(*) FROM accepted GROUP BY account_id, type
),
stored AS (
  INSERT INTO events (id, account_id, type, body, delivery_count, suppressed, created_at)
  SELECT e.id, e.account_id, e.type, e.body, CASE WHEN e.is_fan_out THEN e.expected ELSE coalesce(o.deliveries, 0) END, e.suppressed,
    e.created_at
  FROM sized e LEFT JOIN created_per_event o ON o.event_id = e.id
  RETURNING id
)
SELECT CASE WHEN a.id IS NOT NULL THEN 'held' WHEN k.id IS NOT NULL THEN 'locked' ELSE 'unknown' END AS account,
  t.name IS NOT NULL AS "typeKnown", e.id IS NOT NULL AS accepted,
  CASE WHEN f.is_fan_out THEN f.expected ELSE coalesce(o.deliveries, 0) END::int AS "deliveryCount",
  coalesce(f.is_fan_out, false) AS "isFanOut", coalesce(o.direct_ids, '{}') AS "directIds",
  coalesce(o.direct_ranks, '{}') AS "directRanks", ${leaseOf(LEASED_FROM_NOW)} AS "leasedUntil", coalesce(o.deferred, 0) AS "deferredCount"
FROM input i
LEFT JOIN account a ON a.id = i.account_id
LEFT JOIN LATERAL (SELECT id FROM accounts WHERE id = i.account_id AND deleted_at IS NULL OFFSET 0) k ON true
LEFT JOIN event_types t ON t.name = i.type
LEFT JOIN stored e ON e.id = i.id
LEFT JOIN sized f ON f.id = i.id
LEFT JOIN created_per_event o ON o.event_id = i.id
ORDER BY i.position`;

export interface InsertOptions {
  /** Maximum number of deliveries that one statement writes. Further events are stored as fan-outs. Default:
   *  MAX_DELIVERIES. */
  maxDeliveries?: number;
  /** Returns the number of deliveries of a known fan-out, otherwise null. Default: the statement counts. */
  knownFanOut?: (key: { accountId: string; type: string }) => number | null;
}

/** Takes about 200 ms of one connection. */
export const MAX_DELIVERIES = 5_000;

/** Writes events with one delivery per matching active or paused subscription in one statement: all or none. Returns
 *  results in the given order.
 *  No two events may have the same account and idempotency key. */
export async function insertEvents(
  client: pg.Pool | pg.PoolClient,
  events: NewEvent[],
  { maxDeliveries = MAX_DELIVERIES, knownFanOut = () => null }: InsertOptions = {},
): Promise<InsertedEvent[]> {
  const bodies = events.map((event) => event.frozen.body);
  const { rows } = await client.query<InsertedEvent>({
    name: 'insert-events',
    text: INSERT,
    values: [
      events.map((event) => event.id),
      events.map((event) => event.accountId),
      events.map((event) => event.frozen.type),
      startsOf(bodies),
      bodies.map((body) => body.length),
      events.map((event) => event.frozen.suppressed),
      events.map((event) => event.createdAt),
      events.map((event) => event.idempotency?.key ?? null),
      // One value, because pg sends a Buffer as it is. It would encode an array of Buffers as hexadecimal text, which blocks the
      // event loop for 100 ms for a batch of 16 MiB.
      Buffer.concat(bodies),
      events.map((event) => event.idempotency?.bodyHash ?? null),
      events.map((event) =>
        event.frozen.suppressed ? null : knownFanOut({ accountId: event.accountId, type: event.frozen.type }),
      ),
      maxDeliveries,
    ],
  });
  return rows;
}

/** Returns where each body begins in the joined bodies. SQL counts from 1. */
function startsOf(bodies: Buffer[]): number[] {
  let next = 1;
  return bodies.map((body) => {
    const start = next;
    next += body.length;
    return start;
  });
}

export interface FirstUse {
  accountId: string;
  key: string;
  bodyHash: Buffer;
  event: PublishedEvent;
}

/** An event as the API returns it to its producer. */
export interface PublishedEvent {
  id: string;
  accountId: string;
  type: string;
  createdAt: Date;
  /** For a fan-out, the expected number. */
  deliveryCount: number;
  /** Workers write its deliveries. */
  isFanOut: boolean;
}

/** Returns the events that first used these keys. Uses the key of idempotency_keys. */
export async function findFirstUses(
  client: pg.Pool | pg.PoolClient,
  keys: { accountId: string; key: string }[],
): Promise<FirstUse[]> {
  const { rows } = await client.query<PublishedEvent & { key: string; bodyHash: Buffer }>({
    name: 'find-first-uses',
    text: `
      SELECT k.key, k.body_hash AS "bodyHash", e.id, e.account_id AS "accountId", e.type, e.created_at AS "createdAt",
        coalesce(f.expected, e.delivery_count) AS "deliveryCount", f.event_id IS NOT NULL AS "isFanOut"
      FROM unnest($1::text[], $2::text[]) AS requested (account_id, key)
      JOIN idempotency_keys k USING (account_id, key) JOIN events e ON e.account_id = k.account_id AND e.id = k.event_id LEFT JOIN fan_outs f ON f.event_id = e.id`,
    values: [keys.map(({ accountId }) => accountId), keys.map(({ key }) => key)],
  });
  return rows.map(({ key, bodyHash, ...event }) => ({ accountId: event.accountId, key, bodyHash, event }));
}
