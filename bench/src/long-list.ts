import { randomUUID } from 'node:crypto';
import pg from 'pg';

const SUBSCRIPTIONS = 40;
const DAYS = 30;
/** The columns that pending and finished deliveries have in common. */
const COLUMNS = `id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, created_at,
  completed_at, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at`;

export interface LongList {
  account: string;
  /** Ids in the database. */
  subscriptions: string[];
  /** A delivery with that many attempts. */
  oftenTried: string;
}

/** Makes an account with so many deliveries of the last 30 days: 97 % succeeded, the others failed, held or canceled; and one delivery
 *  with many attempts, each with 4 KiB of an answer. */
export async function fillList(
  databaseUrl: string,
  { account, deliveries, attempts }: { account: string; deliveries: number; attempts: number },
): Promise<LongList> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const subscriptions = Array.from({ length: SUBSCRIPTIONS }, () => randomUUID());
    await client.query(
      `INSERT INTO subscriptions (id, account_id, url, events, status, updated_at)
       SELECT id, $1, 'https://hooks' || n || '.example.com/webhook', '{}', 'paused', now()
       FROM unnest($2::uuid[]) WITH ORDINALITY AS one (id, n)`,
      [account, subscriptions],
    );
    await client.query(
      `WITH made AS (
       SELECT encode(overlay(uuid_send(posthorn_uuidv7()) PLACING substring(uuid_send(posthorn_uuid_at(t)) FROM 1 FOR 6) FROM 1 FOR 6), 'hex')::uuid AS id,
         $1::varchar AS account_id, gen_random_uuid() AS event_id, CASE WHEN n % 500 = 41 THEN 'conversation:created' WHEN n % 5 < 3 THEN 'message:created' ELSE 'conversation:updated' END AS event_type,
         ($2::uuid[])[1 + n % ${SUBSCRIPTIONS}] AS subscription_id, status, CASE status WHEN 'canceled' THEN 'subscription_disabled' END AS status_reason,
         CASE status WHEN 'succeeded' THEN 1 WHEN 'failed' THEN 12 ELSE 0 END AS attempt_count, 0 AS failure_count, t AS created_at, CASE WHEN status <> 'held' THEN t END AS completed_at,
         CASE status WHEN 'succeeded' THEN 'ok'::attempt_outcome WHEN 'failed' THEN (ARRAY['timeout', 'http_error'])[1 + n % 2]::attempt_outcome END AS last_outcome,
         CASE WHEN status IN ('succeeded', 'failed') THEN 'auto'::attempt_trigger END AS last_trigger,
         CASE status WHEN 'succeeded' THEN 200 END AS last_status_code, CASE WHEN status IN ('succeeded', 'failed') THEN 80 END AS last_duration_ms,
         CASE WHEN status IN ('succeeded', 'failed') THEN t END AS last_attempt_at
       FROM (
         SELECT n, now() - (1 - n::float8 / $3) * interval '${DAYS} days' AS t,
           CASE WHEN n % 100 = 0 THEN 'failed' WHEN n % 100 = 1 THEN 'held' WHEN n % 100 = 2 THEN 'canceled' ELSE 'succeeded' END::delivery_status AS status
         FROM generate_series(1, $3::int) n
       ) of_time
       ), held AS (INSERT INTO pending_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM made WHERE status = 'held')
       INSERT INTO finished_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM made WHERE status <> 'held'`,
      [account, subscriptions, deliveries],
    );
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM deliveries WHERE account_id = $1 AND status = 'failed' ORDER BY id DESC LIMIT 1`,
      [account],
    );
    const oftenTried = rows[0]?.id ?? '';
    await client.query(
      `INSERT INTO attempts (id, account_id, subscription_id, delivery_id, number, trigger, outcome, status_code, started_at, duration_ms,
         url, request_headers, response_headers, response_body, response_truncated)
       SELECT posthorn_uuidv7(), $1, $2, $3, n, 'auto', 'http_error', 503, now() - n * interval '1 minute', 80 + n,
         'https://hooks1.example.com/webhook', '{"content-type":"application/json"}', '{"content-type":"text/html"}',
         convert_to(repeat('<p>Service unavailable</p>', 157), 'UTF8'), true
       FROM generate_series(1, $4::int) n`,
      [account, subscriptions[0], oftenTried, attempts],
    );
    await client.query('VACUUM ANALYZE pending_deliveries, finished_deliveries');
    await client.query('ANALYZE attempts');
    return { account, subscriptions, oftenTried };
  } finally {
    await client.end();
  }
}
