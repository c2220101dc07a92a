import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { splitFirstPartitions } from './split-first-partitions.js';

const DAYS = 25;
const CHUNK = 50_000;
const BUSY_SUBSCRIPTIONS = 40;
const OTHER_SUBSCRIPTIONS = 5;
/** One entry of the audit log for this many deliveries: 200,000 for ten million. */
const AUDITED_ONE_IN = 50;
/** Accounts without events, for each account with events. */
const EMPTY_PER_OTHER = 100;

export interface History {
  /** Has half of the deliveries, or all if there are no other accounts. */
  account: string;
  /** Its subscriptions' ids in the database. */
  subscriptions: string[];
}

/** A UUIDv7 of time `at`. */
const idAt = (at: string) =>
  `(lpad(to_hex((extract(epoch FROM ${at}) * 1000)::bigint), 12, '0') || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid`;

/** The columns that pending and finished deliveries have in common. */
const COLUMNS = `id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, created_at,
  completed_at, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at`;

/** Writes deliveries $1 to $2 (of $3) in the order of time, each with its event and an attempt. $4: the busy account, $5: its
 *  subscriptions; $6 and $7: the other accounts and their subscriptions. */
const FILL = `
WITH numbered AS (
  SELECT n, now() - (1 - n::float8 / $3::float8) * interval '${DAYS} days' AS t,
    cardinality($6::varchar[]) = 0 OR n % 2 = 0 AS is_busy,
    CASE WHEN cardinality($6::varchar[]) = 0 THEN n ELSE n / 2 END AS m
  FROM generate_series($1::int, $2::int) n
), made AS MATERIALIZED (
  SELECT ${idAt('t')} AS event_id, t, m,
    CASE WHEN is_busy THEN $4::varchar ELSE ($6::varchar[])[1 + m % cardinality($6::varchar[])] END AS account_id,
    CASE WHEN is_busy THEN ($5::uuid[])[1 + m % ${BUSY_SUBSCRIPTIONS}] ELSE ($7::uuid[])[1 + m % cardinality($7::uuid[])] END AS subscription_id,
    CASE WHEN m % 500 = 41 THEN 'conversation:created' WHEN m % 5 < 3 THEN 'message:created' ELSE 'conversation:updated' END AS event_type,
    CASE WHEN m % 100 = 0 THEN 'failed' WHEN m % 1000 = 1 THEN 'held' WHEN m % 100 = 2 THEN 'canceled' ELSE 'succeeded' END::delivery_status AS status
  FROM numbered
), deliveries_of AS MATERIALIZED (
  SELECT posthorn_delivery_id(event_id) AS id, account_id, event_id, event_type, subscription_id, status,
    CASE status WHEN 'canceled' THEN 'subscription_disabled' END AS status_reason,
    CASE WHEN status IN ('succeeded', 'failed') THEN 1 ELSE 0 END AS attempt_count, 0 AS failure_count, t AS created_at,
    CASE WHEN status <> 'held' THEN t END AS completed_at,
    CASE status WHEN 'succeeded' THEN 'ok'::attempt_outcome WHEN 'failed' THEN (ARRAY['timeout', 'http_error'])[1 + m / 100 % 2]::attempt_outcome END AS last_outcome,
    CASE WHEN status IN ('succeeded', 'failed') THEN 'auto'::attempt_trigger END AS last_trigger,
    CASE status WHEN 'succeeded' THEN 200 END AS last_status_code, CASE WHEN status IN ('succeeded', 'failed') THEN 80 END AS last_duration_ms,
    CASE WHEN status IN ('succeeded', 'failed') THEN t END AS last_attempt_at
  FROM made
), event AS (
  INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
  SELECT event_id, account_id, event_type, convert_to('{"event":"' || event_type || '","payload":{"n":' || m || '}}', 'UTF8'), 1, t FROM made
), held AS (
  INSERT INTO pending_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM deliveries_of WHERE status = 'held'
)
INSERT INTO finished_deliveries (${COLUMNS}, attempt_id, is_late,
  url, user_agent, body_bytes, signature_count, response_headers, response_body, response_truncated)
SELECT ${COLUMNS}, a.* FROM deliveries_of d LEFT JOIN LATERAL (
  SELECT ${idAt('d.created_at')}, false, 'https://hooks.example.com/webhook', 'Posthorn/0.1.0', 100, 1, '{"content-type":"text/plain"}'::json, 'ok'::bytea, false
) a ON d.attempt_count = 1
WHERE status <> 'held'`;

/** Writes $1 entries of the audit log over the same time, most of the busy account ($2) and the others of the operators. One in 1,000 has a
 *  rare action. */
const FILL_AUDIT = `
INSERT INTO audit_entries (id, actor, account_id, action, target_type, target_id, changes, request_id, address, created_at, done_at)
SELECT ${idAt('t')}, CASE WHEN n % 4 = 0 THEN 'portal' WHEN n % 4 = 1 THEN 'account' ELSE 'operator' END::actor_kind,
  CASE WHEN n % 10 > 0 THEN $2::varchar END, CASE WHEN n % 1000 = 7 THEN 'keys.create' ELSE 'subscriptions.change' END,
  'subscription', 'sub_' || n, '{"description":{"from":"before","to":"after"}}', 'req-' || n, '127.0.0.1', t, t
FROM (SELECT n, now() - (1 - n::float8 / $1::float8) * interval '${DAYS} days' AS t FROM generate_series(1, $1::int) n) entry`;

/** Writes deliveries of the last 25 days with their events and attempts, two statements at a time: 98 % succeeded, the others failed,
 *  canceled or held. Also audit entries, and accounts without events. Stop the workers first. */
export async function fillHistory({
  databaseUrl,
  deliveries,
  otherAccounts,
  progress = () => {},
}: {
  databaseUrl: string;
  deliveries: number;
  otherAccounts: number;
  progress?: (written: number) => void;
}): Promise<History> {
  const account = 'busy';
  const subscriptions = Array.from({ length: BUSY_SUBSCRIPTIONS }, () => randomUUID());
  const others = Array.from({ length: otherAccounts }, (_, n) => `other-${n}`);
  // The m-th of these belongs to account m % otherAccounts, as the statement above requires.
  const othersSubscriptions = Array.from({ length: otherAccounts * OTHER_SUBSCRIPTIONS }, () => randomUUID());
  const clients = [new pg.Client(databaseUrl), new pg.Client(databaseUrl)] as const;
  await Promise.all(clients.map((client) => client.connect()));
  try {
    await fillAccounts(
      clients[0],
      [account, ...others],
      [
        ...subscriptions.map((id) => [id, account] as const),
        ...othersSubscriptions.map((id, n) => [id, others[n % otherAccounts] ?? ''] as const),
      ],
    );
    await splitFirstPartitions((text) => clients[0].query(text), { days: DAYS });
    let next = 1;
    await Promise.all(
      clients.map(async (client) => {
        await client.query('SET synchronous_commit = off');
        while (next <= deliveries) {
          const from = next;
          next += CHUNK;
          const to = Math.min(deliveries, next - 1);
          await client.query(FILL, [from, to, deliveries, account, subscriptions, others, othersSubscriptions]);
          progress(to);
        }
      }),
    );
    await clients[0].query(FILL_AUDIT, [Math.ceil(deliveries / AUDITED_ONE_IN), account]);
    await clients[0].query(
      'VACUUM ANALYZE accounts, subscriptions, audit_entries, events, pending_deliveries, finished_deliveries, earlier_attempts',
    );
    await clients[0].query('CHECKPOINT');
    return { account, subscriptions };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** Adds accounts, and paused subscriptions (each an id and its account); for each account but the first also some without events. */
async function fillAccounts(
  client: pg.Client,
  accounts: string[],
  subscriptions: (readonly [id: string, account: string])[],
): Promise<void> {
  await client.query(`INSERT INTO accounts (id) SELECT unnest($1::varchar[]) ON CONFLICT DO NOTHING`, [accounts]);
  await client.query(
    `INSERT INTO accounts (id, name) SELECT 'empty-' || n, 'Account ' || n FROM generate_series(1, $1::int) n`,
    [(accounts.length - 1) * EMPTY_PER_OTHER],
  );
  await client.query(
    `INSERT INTO subscriptions (id, account_id, url, events, status)
     SELECT id, account, 'https://hooks' || n || '.example.com/webhook', '{}', 'paused'
     FROM unnest($1::uuid[], $2::varchar[]) WITH ORDINALITY AS one (id, account, n)`,
    [subscriptions.map(([id]) => id), subscriptions.map(([, account]) => account)],
  );
}
