import type { Database } from '@posthorn/core';
import { PARTITIONED, splitFirstPartitions } from './split-first-partitions.js';

const DAYS = 40;
const DAY_MS = 24 * 60 * 60 * 1_000;
const TABLES = ['pending_deliveries', ...PARTITIONED];

/** One in this many deliveries is held, whatever its age. */
const HELD_ONE_IN = 2_000;

/** Makes an id of time `at`, as posthorn_uuidv7 does for now. */
const idAt = (at: string) =>
  `encode(overlay(uuid_send(posthorn_uuidv7()) PLACING substring(uuid_send(posthorn_uuid_at(${at})) FROM 1 FOR 6) FROM 1 FOR 6), 'hex')::uuid`;

/** Fills an empty ledger with a history of 40 days: its partitions, and 1.5 deliveries and 2.5 attempts per event. A few deliveries of
 *  every age are held. */
export async function fillLedger(
  db: Database,
  { events, now, accountId, subscriptionId }: { events: number; now: Date; accountId: string; subscriptionId: string },
): Promise<void> {
  const at = (days: number) => new Date(now.getTime() + days * DAY_MS).toISOString();
  await splitFirstPartitions((text) => withoutTimeout(db, text), { days: DAYS });
  const perDay = Math.floor(events / DAYS);
  for (let age = DAYS; age > 0; age -= 1) {
    await withoutTimeout(
      db,
      `WITH event AS (
         INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
         SELECT ${idAt('t')}, $1::text, 'message:created', convert_to('{"event":"message:created","payload":{"body":"' || repeat('Hey there! ', 40) || '"}}', 'UTF8'), 1 + n % 2, t
         FROM (SELECT n, $2::timestamptz + n * interval '1 day' / $3 AS t FROM generate_series(1, $3::int) n) made
         RETURNING id, delivery_count, created_at
       ), made AS MATERIALIZED (
         SELECT posthorn_delivery_id(e.id) AS id, e.id AS event_id, e.created_at, random() * ${HELD_ONE_IN} < 1 AS is_held
         FROM event e, generate_series(1, e.delivery_count)
       ), held AS (
         INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, created_at)
         SELECT id, $1::text, event_id, 'message:created', $4, 'held', created_at FROM made WHERE is_held
       )
       INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at,
         attempt_id, is_late, last_trigger, last_outcome, last_status_code, last_attempt_at, last_duration_ms,
         url, user_agent, body_bytes, signature_count, response_headers, response_body, response_truncated)
       SELECT id, $1::text, event_id, 'message:created', $4, 'succeeded', CASE WHEN random() < 2.0 / 3 THEN 2 ELSE 1 END, 0, created_at, created_at,
         ${idAt('created_at')}, false, 'auto', 'ok', 200, created_at, 12,
         'https://hooks.example.com/webhook', 'Posthorn/0.1.0', 100, 1, '{"content-type":"text/plain"}', 'thanks', false
       FROM made WHERE NOT is_held`,
      [accountId, at(-age), perDay, subscriptionId],
    );
    await withoutTimeout(
      db,
      `INSERT INTO earlier_attempts (id, account_id, subscription_id, delivery_id, number, trigger, outcome, status_code, started_at, duration_ms,
         url, user_agent, body_bytes, signature_count, response_headers, response_body, response_truncated)
       SELECT ${idAt('d.created_at')}, $1::text, $4::uuid, d.id, 1, 'auto', 'ok', 200, d.created_at, 12,
         'https://hooks.example.com/webhook', 'Posthorn/0.1.0', 100, 1, '{"content-type":"text/plain"}', 'thanks', false
       FROM deliveries d WHERE (d.attempt_count = 2 OR d.status = 'held') AND d.account_id = $1::text AND d.id >= posthorn_uuid_at($2::timestamptz) AND d.id < posthorn_uuid_at($3::timestamptz)`,
      [accountId, at(-age), at(-age + 1), subscriptionId],
    );
  }
  await tidy(db);
}

/** Runs a statement without the timeouts of Posthorn's own. */
async function withoutTimeout<Row extends object>(
  { pool }: Database,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = await pool.connect();
  await client.query('SET statement_timeout = 0');
  const statement = { text, values, query_timeout: 3_600_000 };
  const { rows } = await client.query<Row>(statement);
  client.release(true);
  return rows;
}

/** Does what autovacuum would have done in 40 days. */
async function tidy(db: Database): Promise<void> {
  const { rows } = await db.pool.query<{ leaf: string }>(
    `SELECT inhrelid::regclass::text AS leaf FROM pg_inherits WHERE inhparent = ANY ($1::text[]::regclass[])`,
    [PARTITIONED],
  );
  for (const leaf of ['pending_deliveries', ...rows.map((row) => row.leaf)])
    await withoutTimeout(db, `VACUUM ANALYZE ${leaf}`);
  await withoutTimeout(db, 'CHECKPOINT');
}

/** Counts held deliveries that still have an event to send. */
export async function readHeld(db: Database, { accountId }: { accountId: string }): Promise<number> {
  const rows = await withoutTimeout<{ count: number }>(
    db,
    `SELECT count(*)::int AS count FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.account_id = $1::text AND d.status = 'held'`,
    [accountId],
  );
  return rows[0]?.count ?? 0;
}

/** Counts rows made from `since` on. */
export async function readCounts(
  db: Database,
  { accountId, since }: { accountId: string; since: Date },
): Promise<Record<string, number>> {
  const rows = await withoutTimeout<Record<string, number>>(
    db,
    `SELECT ${TABLES.map((table) => `(SELECT count(*)::int FROM ${table} WHERE account_id = $1 AND id >= posthorn_uuid_at($2::timestamptz)) AS ${table}`).join(', ')}`,
    [accountId, since],
  );
  return rows[0] ?? {};
}

/** Size in megabytes, with indexes. */
export async function readSizes({ pool }: Database): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ table: string; size: number }>(
    `SELECT t AS "table", (pg_total_relation_size(t::regclass) + coalesce(sum(pg_total_relation_size(i.inhrelid)), 0))::float8 / 1e6 AS size
     FROM unnest($1::text[]) t LEFT JOIN pg_inherits i ON i.inhparent = t::regclass GROUP BY t ORDER BY t`,
    [TABLES],
  );
  return Object.fromEntries(rows.map(({ table, size }) => [table, Math.round(size)]));
}
