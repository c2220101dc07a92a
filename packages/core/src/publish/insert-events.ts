import type pg from 'pg';
import { LEASED_FROM_NOW, leaseOf } from '../deliveries/lease.js';
import { THIS_MINUTE } from '../stats/stat.js';
import { type Columns, unnest, valuesOf } from '../unnest.js';
import { CREATE_DELIVERIES, getsType, PLACING } from './create-deliveries.js';
import { ENFORCED_VERSION } from './enforcement.js';
import type { FrozenEvent } from './freeze-event.js';
import { hasFilters, passesFilter } from './passes-filter.js';

export interface NewEvent {
  id: string;
  accountId: string;
  frozen: FrozenEvent;
  createdAt: Date;
  /** SHA-256 of the body; null without a key. */
  idempotency: { key: string; bodyHash: Buffer } | null;
  /** The version of the type's schema that the payload was validated against. Default: none. */
  schemaVersion?: number | null;
}

/** The result for one event. If it is not `accepted` although the account is `held` and the type known, its key was
 *  used before. */
export interface InsertedEvent {
  /** `held`: we hold the lock on its row. `locked`: another transaction does. `unknown`: it does not exist or is
   *  deleted. */
  account: 'held' | 'locked' | 'unknown';
  typeKnown: boolean;
  /** The version of the type's schema that is enforced; null: none. An event that was not validated against it is not accepted. */
  enforcedVersion: number | null;
  accepted: boolean;
  /** For a fan-out, the expected number. */
  deliveryCount: number;
  /** How many subscriptions get its type, including those whose filter it does not pass. */
  reach: number;
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

// The statement writes deliveries of as many events as fit its limit ($2), those with the fewest first. Every other
// event becomes a fan-out.
//
// OFFSET 0 keeps the planner from joining whole tables: it overestimates the number of events and would read the
// subscriptions of all accounts for each. Uses the keys of accounts and event_types, and
// subscriptions_account_id_id_idx.
//
// FULL JOIN keeps the planner from comparing each event with each other one: it expects one row of most parts, and would join them
// by nested loops, which are 40,000 pairs for 200 events. It hashes or merges a FULL JOIN. These never add a row, since what they join
// belongs to rows on the left.

interface Input {
  event: NewEvent;
  /** Where its body begins in the joined bodies. SQL counts from 1. */
  bodyStart: number;
  /** The number of deliveries of a known fan-out, otherwise null. */
  known: number | null;
}

const INPUT: Columns<Input> = {
  id: ['uuid', ({ event }) => event.id],
  account_id: ['text', ({ event }) => event.accountId],
  type: ['text', ({ event }) => event.frozen.type],
  body_start: ['int', ({ bodyStart }) => bodyStart],
  body_bytes: ['int', ({ event }) => event.frozen.body.length],
  suppressed: ['boolean', ({ event }) => event.frozen.suppressed],
  created_at: ['timestamptz', ({ event }) => event.createdAt],
  key: ['text', ({ event }) => event.idempotency?.key ?? null],
  body_hash: ['bytea', ({ event }) => event.idempotency?.bodyHash ?? null],
  known: ['int', ({ known }) => known],
  schema_version: ['int', ({ event }) => event.schemaVersion ?? null],
};

// The parts of the statement, in order. Each is one or more CTEs that read the earlier ones.

/** `input`: the events, with their bodies from the joined ones ($1). */
const READ_INPUT = `
input AS (
  SELECT i.*, substr($1::bytea, i.body_start, i.body_bytes) AS body
  FROM ${unnest(INPUT, { alias: 'i', first: 3, position: 'position' })}
)`;

/** `account`: like the lock of a foreign key, this lock makes an erasure wait for the statement. Rows that another
 *  transaction has locked are skipped, so no event waits for them; their callers repeat. */
const LOCK_ACCOUNTS = `
account AS (
  SELECT id FROM accounts WHERE id = ANY (ARRAY(SELECT account_id FROM input)) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE SKIP LOCKED
)`;

/** `accepted`: the events whose account and type exist, whose payload was validated against the enforced schema, and whose key is new. IS TRUE
 *  makes the planner hash the accounts. */
const ACCEPT = `
valid AS (
  SELECT i.* FROM input i JOIN event_types t ON t.name = i.type
  WHERE (i.account_id IN (SELECT id FROM account)) IS TRUE AND i.schema_version IS NOT DISTINCT FROM ${ENFORCED_VERSION}
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
)`;

/** `reach`: how many subscriptions match, counted once per account and type. Counting stops at the limit, unless the event is a fan-out
 *  whose expected number is not known. */
const COUNT_REACH = `
reach AS MATERIALIZED (
  SELECT w.account_id, w.type, CASE WHEN few.count <= $2 THEN few.count ELSE (
    SELECT count(*) FROM subscriptions s WHERE s.account_id = w.account_id AND ${getsType('w.type')}
  ) END AS count
  FROM (SELECT DISTINCT account_id, type FROM accepted WHERE NOT suppressed AND known IS NULL) w
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      SELECT FROM subscriptions s WHERE s.account_id = w.account_id AND ${getsType('w.type')} LIMIT $2::int + 1
    ) s
  ) few
)`;

/** `sized`: the accepted events, and which of them become fan-outs. */
const SIZE = `
sized AS (
  SELECT e.*, sum(e.expected) OVER (ORDER BY e.expected, e.position) > $2 AS is_fan_out
  FROM (
    SELECT e.*, CASE WHEN e.suppressed THEN 0 ELSE coalesce(e.known, r.count, 0) END AS expected
    FROM accepted e FULL JOIN reach r ON r.account_id = e.account_id AND r.type = e.type
  ) e
)`;

/** `payloads`: those that filters may need. Evaluated only if a subscription has one. */
const READ_PAYLOADS = `
payloads AS MATERIALIZED (
  SELECT e.id AS event_id, posthorn_payload(e.body) AS payload FROM sized e WHERE NOT e.suppressed AND ${hasFilters('e.account_id')}
)`;

/** `fan_out`: the events that become fan-outs. Until here, the expected number ignores filters. */
const STORE_FAN_OUTS = `
fan_out AS (
  SELECT e.id, e.account_id, e.type, greatest(e.expected - f.count, 0)::int AS expected FROM sized e CROSS JOIN LATERAL (
    SELECT count(*) FROM subscriptions s
    WHERE s.account_id = e.account_id AND s.filter IS NOT NULL AND ${getsType('e.type')} AND NOT ${passesFilter('e.id')} OFFSET 0
  ) f
  WHERE e.is_fan_out
),
fanned_out AS (
  INSERT INTO fan_outs (event_id, account_id, event_type, expected, created_at)
  SELECT id, account_id, type, expected, clock_timestamp() FROM fan_out
)`;

/** `matched`: the deliveries to create. */
const MATCH = `
matched AS (
  SELECT e.id AS event_id, e.account_id, e.type, e.position, now() AS published_at, s.*
  FROM sized e CROSS JOIN LATERAL (
    SELECT ${PLACING} FROM subscriptions s WHERE s.account_id = e.account_id AND ${getsType('e.type')} AND ${passesFilter('e.id')} OFFSET 0
  ) s
  WHERE NOT e.suppressed AND NOT e.is_fan_out
)`;

const COUNT = `
counted AS (
  INSERT INTO stat_deltas (account_id, event_type, at, count)
  SELECT account_id, type, ${THIS_MINUTE}, count(*) FROM accepted GROUP BY account_id, type
)`;

const STORE_EVENTS = `
stored AS (
  INSERT INTO events (id, account_id, type, body, delivery_count, suppressed, created_at)
  SELECT e.id, e.account_id, e.type, e.body, coalesce(f.expected, o.deliveries, 0), e.suppressed, e.created_at
  FROM sized e FULL JOIN created_per_event o ON o.event_id = e.id FULL JOIN fan_out f ON f.id = e.id
)`;

const RESULT = `
SELECT CASE WHEN a.id IS NOT NULL THEN 'held' WHEN k.id IS NOT NULL THEN 'locked' ELSE 'unknown' END AS account,
  t.name IS NOT NULL AS "typeKnown", ${ENFORCED_VERSION} AS "enforcedVersion", z.id IS NOT NULL AS accepted,
  coalesce(f.expected, o.deliveries, 0)::int AS "deliveryCount",
  coalesce(z.expected, 0)::int AS reach, f.id IS NOT NULL AS "isFanOut", coalesce(o.direct_ids, '{}') AS "directIds",
  coalesce(o.direct_ranks, '{}') AS "directRanks", ${leaseOf(LEASED_FROM_NOW)} AS "leasedUntil", coalesce(o.deferred, 0) AS "deferredCount"
FROM input i
LEFT JOIN account a ON a.id = i.account_id
LEFT JOIN LATERAL (SELECT id FROM accounts WHERE a.id IS NULL AND id = i.account_id AND deleted_at IS NULL OFFSET 0) k ON true
LEFT JOIN event_types t ON t.name = i.type
FULL JOIN sized z ON z.id = i.id
FULL JOIN fan_out f ON f.id = i.id
FULL JOIN created_per_event o ON o.event_id = i.id
ORDER BY i.position`;

const INSERT = `WITH ${[
  READ_INPUT,
  LOCK_ACCOUNTS,
  ACCEPT,
  COUNT_REACH,
  SIZE,
  READ_PAYLOADS,
  STORE_FAN_OUTS,
  MATCH,
  CREATE_DELIVERIES,
  COUNT,
  STORE_EVENTS,
].join(',')}${RESULT}`;

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
  const { rows } = await client.query<InsertedEvent>({
    name: 'insert-events',
    text: INSERT,
    values: [
      // One value, because pg sends a Buffer as it is. It would encode an array of Buffers as hexadecimal text, which blocks the
      // event loop for 100 ms for a batch of 16 MiB.
      Buffer.concat(events.map(({ frozen }) => frozen.body)),
      maxDeliveries,
      ...valuesOf(INPUT, toInput(events, knownFanOut)),
    ],
  });
  return rows;
}

function toInput(events: NewEvent[], knownFanOut: Required<InsertOptions>['knownFanOut']): Input[] {
  let next = 1;
  return events.map((event) => {
    const { accountId, frozen } = event;
    const bodyStart = next;
    next += frozen.body.length;
    return { event, bodyStart, known: frozen.suppressed ? null : knownFanOut({ accountId, type: frozen.type }) };
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

interface Key {
  accountId: string;
  key: string;
}

const KEY: Columns<Key> = {
  account_id: ['text', ({ accountId }) => accountId],
  key: ['text', ({ key }) => key],
};

/** Returns the events that first used these keys. Uses the key of idempotency_keys. */
export async function findFirstUses(client: pg.Pool | pg.PoolClient, keys: Key[]): Promise<FirstUse[]> {
  const { rows } = await client.query<PublishedEvent & { key: string; bodyHash: Buffer }>({
    name: 'find-first-uses',
    text: `
      SELECT k.key, k.body_hash AS "bodyHash", e.id, e.account_id AS "accountId", e.type, e.created_at AS "createdAt",
        coalesce(f.expected, e.delivery_count) AS "deliveryCount", f.event_id IS NOT NULL AS "isFanOut"
      FROM ${unnest(KEY, { alias: 'requested', first: 1 })}
      JOIN idempotency_keys k USING (account_id, key) JOIN events e ON e.account_id = k.account_id AND e.id = k.event_id LEFT JOIN fan_outs f ON f.event_id = e.id
      WHERE k.created_at >= now() - interval '24 hours'`,
    values: valuesOf(KEY, keys),
  });
  return rows.map(({ key, bodyHash, ...event }) => ({ accountId: event.accountId, key, bodyHash, event }));
}
