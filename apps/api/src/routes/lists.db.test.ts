import { toTypeId } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATOR_KEY, type TestApi, openTestApi } from '../api.test-support.js';
import { toPage } from '../cursor.js';

const LIMIT = 10;
/** Rows of the busy account. LISTS_ROWS=1000000 takes some minutes, and shows that the bounds do not depend on it. */
const ROWS = Number(process.env['LISTS_ROWS'] ?? 8_000);
/** Subscriptions of an account. */
const MOST_SUBSCRIPTIONS = 1_000;
/** Blocks that a statement of a page may touch: each row of the page, its index, and a few blocks of other indexes. */
const BLOCKS = 80;
/** The same for a filter without an index: it reads a thousand rows, in the worst case each in its own block, and their part of an index. */
const SEARCH_BLOCKS = 1_200;
/** The same for HTTP statuses: it reads a thousand rows of each outcome that may have them. */
const SCATTERED_BLOCKS = 2_500;

/** The same for a search by prefix: two entries of each of two indexes per row that a page may have, each with its row and, over all
 *  accounts, its account. */
const PREFIX_BLOCKS = 400;

/** The same for other orders: they read one entry for each subscription of the account, each waiting account or each account. */
const SORTED_BLOCKS = 4 * (1_000 + ROWS / 10);

const NOBODY = '01900000-0000-7000-8000-000000000000';

/** The columns that pending and finished deliveries have in common. */
const COLUMNS = `id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at,
  replay_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at`;

/** A statement with its execution plan. */
interface Ran {
  text: string;
  blocks: number;
}
let api: TestApi;
let ran: Ran[] = [];

beforeAll(async () => {
  api = await openTestApi();
  await explainAll(api);
});
afterAll(() => api.close());

/** Makes Postgres log the touched blocks of each statement of the API. */
async function explainAll({ deps: { db } }: TestApi): Promise<void> {
  db.pool.on('connect', (client) => client.on('notice', ({ message = '' }) => void ran.push(...ranOf(message))));
  const client = new pg.Client(db.pool.options.connectionString);
  await client.connect();
  for (const setting of [
    `session_preload_libraries = 'auto_explain'`,
    'auto_explain.log_min_duration = 0',
    'auto_explain.log_analyze = on',
    'auto_explain.log_buffers = on',
    'auto_explain.log_timing = off',
    `auto_explain.log_format = 'json'`,
    `auto_explain.log_level = 'notice'`,
  ])
    await client.query(`ALTER DATABASE "${client.database}" SET ${setting}`);
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await client.end();
  await waitFor(async () => {
    ran = [];
    await db.pool.query('SELECT 1');
    return ran.length > 0;
  });
}

function ranOf(notice: string): Ran[] {
  const json = /^duration: [\d.]+ ms {2}plan:\s*(\{[^]*)$/.exec(notice)?.[1];
  if (json === undefined) return [];
  const { 'Query Text': text, Plan: plan } = JSON.parse(json) as {
    'Query Text': string;
    Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number };
  };
  return [{ text, blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] }];
}

/** Creates an account with `rows` rows of each kind, spread over ten days that ended `endedDaysAgo` days ago. */
async function fill(name: string, { rows, endedDaysAgo = 0 }: { rows: number; endedDaysAgo?: number }): Promise<void> {
  // Without the statement timeout of the API.
  const client = new pg.Client(api.deps.db.pool.options.connectionString);
  await client.connect();
  const values = [name, rows, endedDaysAgo];
  // Like posthorn_uuidv7(), for a time in the past.
  const made = `(SELECT encode(overlay(uuid_send(posthorn_uuidv7()) PLACING substring(uuid_send(posthorn_uuid_at(t)) FROM 1 FOR 6) FROM 1 FOR 6), 'hex')::uuid AS id, t, n
    FROM (SELECT n, now() - ($3::int + 10 * (1 - n::float8 / $2::int)) * interval '1 day' AS t FROM generate_series(1, $2::int) n) times) made`;
  await client.query('INSERT INTO accounts (id) VALUES ($1::varchar) ON CONFLICT DO NOTHING', [name]);
  await client.query(
    `INSERT INTO subscriptions (id, account_id, url, description, status, status_reason, failing_since)
     SELECT id, $1::varchar, 'https://hooks.example.com/', 'Hooks of the CRM', CASE WHEN n % 4 = 0 THEN 'paused' ELSE 'active' END::subscription_status, NULL,
       CASE WHEN n % 4 = 1 THEN t END
     FROM ${made} WHERE (n % 10 = 0 OR n < 5) AND n <= ${MOST_SUBSCRIPTIONS * 10}`,
    values,
  );
  await client.query(
    `INSERT INTO replays (id, account_id, which, since, until, account_ids, subscription_ids, event_types, statuses, outcomes, status, matched, has_more, ended_at, settled_at)
     SELECT id, $1::varchar, 'failed', t, t, ARRAY[$1::varchar], ARRAY(SELECT id FROM subscriptions WHERE account_id = $1::varchar ORDER BY id LIMIT 1), '{}', '{failed}', '{}',
       'completed', 1, false, t, t
     FROM ${made} WHERE n % 10 = 0`,
    values,
  );
  await client.query(
    `WITH made AS (
       SELECT id, $1::varchar AS account_id, id AS event_id, CASE WHEN n % 500 = 41 THEN 'conversation:created' ELSE 'message:created' END AS event_type,
         subscriptions[1 + n % least(cardinality(subscriptions), 3)] AS subscription_id,
         status, 1 AS attempt_count, 1 AS failure_count, t AS created_at, CASE status WHEN 'pending' THEN now() + interval '1 hour' END AS due_at,
         CASE WHEN status NOT IN ('pending', 'held') THEN t END AS completed_at, CASE WHEN n % 3 = 0 THEN replay END AS replay_id,
         CASE status WHEN 'succeeded' THEN 'ok' ELSE 'http_error' END::attempt_outcome AS last_outcome,
         CASE WHEN n % 50 = 7 THEN 'manual' ELSE 'auto' END::attempt_trigger AS last_trigger,
         CASE status WHEN 'succeeded' THEN 200 ELSE 500 END AS last_status_code, 80 AS last_duration_ms, t AS last_attempt_at
       FROM (
         SELECT *, CASE WHEN n % 20 = 0 THEN 'failed' WHEN n % 100 = 1 THEN 'held' WHEN n % 100 = 2 THEN 'pending' ELSE 'succeeded' END::delivery_status AS status,
           ARRAY(SELECT s.id FROM subscriptions s WHERE s.account_id = $1::varchar ORDER BY s.id LIMIT 3) AS subscriptions,
           (SELECT r.id FROM replays r WHERE r.account_id = $1::varchar ORDER BY r.id LIMIT 1) AS replay
         FROM ${made}
       ) of_account
     ), pending AS (
       INSERT INTO pending_deliveries (${COLUMNS}, due_at)
       SELECT ${COLUMNS}, due_at FROM made WHERE completed_at IS NULL
     )
     INSERT INTO finished_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM made WHERE completed_at IS NOT NULL`,
    values,
  );
  await client.query(
    `INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
     SELECT id, account_id, event_type, convert_to('{"event":"' || event_type || '","payload":{}}', 'UTF8'), 1, created_at FROM deliveries WHERE account_id = $1::varchar`,
    [name],
  );
  await client.query(
    `INSERT INTO earlier_attempts (id, account_id, subscription_id, delivery_id, number, trigger, outcome, started_at, duration_ms, url, response_truncated)
     SELECT id, account_id, subscription_id, id, 1, 'auto', 'ok', created_at, 80, 'https://hooks.example.com/', false
     FROM deliveries WHERE account_id = $1::varchar`,
    [name],
  );
  await client.query(
    `INSERT INTO audit_entries (id, actor, actor_id, account_id, action, target_type, request_id, address, created_at, done_at)
     SELECT id, CASE WHEN n % 9 = 0 THEN 'account' ELSE 'operator' END::actor_kind, 'ses_' || n % 9, $1::varchar, CASE WHEN n % 9 = 0 THEN 'subscriptions.pause' ELSE 'subscriptions.update' END,
       'subscription', 'r', '127.0.0.1', t, t
     FROM ${made}`,
    values,
  );
  await client.query(
    `INSERT INTO api_keys (id, account_id, name, hash, scopes) SELECT id, $1::varchar, 'key', uuid_send(id), '{}' FROM ${made} WHERE n % 10 = 0`,
    values,
  );
  await client.end();
}

/** The lists of an account with each filter, from the start and from a page in the middle. */
async function listsOf(account: string): Promise<string[]> {
  const { rows } = await api.deps.db.pool.query<{
    subscriptions: string[];
    replay: string | null;
    middle: string | null;
    event: string | null;
  }>(
    `SELECT ARRAY(SELECT id FROM subscriptions WHERE account_id = $1 ORDER BY id LIMIT 2) AS subscriptions,
       (SELECT id FROM replays WHERE account_id = $1 ORDER BY id LIMIT 1) AS replay,
       (SELECT id FROM deliveries WHERE account_id = $1 ORDER BY id OFFSET (SELECT count(*) / 2 FROM deliveries WHERE account_id = $1) LIMIT 1) AS middle,
       (SELECT id FROM events WHERE account_id = $1 ORDER BY id LIMIT 1) AS event`,
    [account],
  );
  const [found] = rows;
  const [one, another] = (found?.subscriptions ?? []).map((id) => `subscription=${toTypeId('sub', id)}`);
  const of = one ?? `subscription=${toTypeId('sub', NOBODY)}`;
  const middle = found?.middle ?? NOBODY;
  const dayAgo = new Date(Date.now() - 24 * 60 * 60 * 1_000).toISOString();
  const deliveries = [
    '',
    'status=failed',
    'status=held&status=canceled',
    'status=pending',
    'status=succeeded',
    'outcome=http_error',
    'outcome=timeout',
    'statusCode=5xx',
    'statusCode=404',
    'statusCode=204',
    'statusCode=2xx&statusCode=5xx',
    'statusCode=4xx&outcome=http_error&trigger=manual&status=failed',
    'trigger=manual',
    'trigger=test',
    'eventType=message:created',
    'eventType=conversation:created',
    'eventType=never:came',
    of,
    `${of}&${another ?? of}`,
    `${of}&eventType=conversation:created`,
    `${of}&eventType=never:came`,
    `event=${toTypeId('evt', found?.event ?? NOBODY)}`,
    `replay=${toTypeId('rpl', found?.replay ?? NOBODY)}`,
    `from=${dayAgo}`,
    `to=${dayAgo}`,
    `from=${dayAgo}&eventType=conversation:created`,
    `q=${toTypeId('evt', found?.event ?? NOBODY)}`,
    `q=${toTypeId('dlv', middle).slice(0, 20)}`,
    'q=payload',
    'q=never',
    `q=never&status=failed&${of}`,
  ];
  const cursor = (list: 'deliveries' | 'events' | 'audit' | 'subscriptions' | 'replays' | 'keys'): string =>
    String(toPage([0, 1], { limit: 1, list, keyOf: () => [middle], itemOf: () => 0 }).nextCursor);
  const path = (list: string, filter: string) => `/v1/accounts/${account}/${list}?limit=${LIMIT}&${filter}`;
  return [
    ...deliveries.flatMap((filter) => [
      path('deliveries', filter),
      path('deliveries', `${filter}&cursor=${cursor('deliveries')}`),
    ]),
    ...(['events', 'audit', 'subscriptions', 'replays', 'keys'] as const).flatMap((list) => [
      path(list, ''),
      path(list, `cursor=${cursor(list)}`),
    ]),
    path('events', `from=${dayAgo}`),
    path('events', 'event=message:created'),
    path('events', 'event=never:came'),
    path('events', 'q=payload'),
    path('events', 'q=never'),
    path('events', `q=never&event=message:created&cursor=${cursor('events')}`),
    path('audit', 'action=subscriptions.pause'),
    path('audit', 'action=never.done'),
    path('audit', 'actor=account'),
    path('audit', 'actor=portal'),
    path('subscriptions', 'stats=24h'),
    path('subscriptions', 'status=paused'),
    path('subscriptions', 'sort=waiting'),
    path('subscriptions', 'sort=waiting&status=paused'),
    path('subscriptions', 'sort=success'),
    path('subscriptions', 'sort=success&status=paused'),
    path('subscriptions', 'q=hooks'),
    path('subscriptions', 'q=hooks&status=disabled'),
    path('subscriptions', 'q=https://hooks.example.com/'),
    path('subscriptions', 'q=never'),
    path('subscriptions', 'q=sub_'),
    path('subscriptions', 'q=sub_0'),
    path('replays', of),
    path('attention', ''),
    ...(found?.middle ? [`/v1/accounts/${account}/deliveries/${toTypeId('dlv', middle)}`] : []),
    ...(found?.event ? [`/v1/accounts/${account}/events/${toTypeId('evt', found.event)}`] : []),
  ];
}
const OF_OPERATORS = [
  `/v1/audit?limit=${LIMIT}`,
  `/v1/audit?limit=${LIMIT}&action=subscriptions.pause`,
  `/v1/audit?limit=${LIMIT}&action=never.done`,
  `/v1/audit?limit=${LIMIT}&actor=portal`,
  `/v1/audit?limit=${LIMIT}&actorId=${toTypeId('key', NOBODY)}`,
  `/v1/audit?limit=${LIMIT}&account=idle`,
  `/v1/attention?limit=${LIMIT}`,
  ...['hooks', 'hooks.example.com/&status=disabled', 'hooks of', 'never', 'sub_0', 'sub_7'].map(
    (q) => `/v1/subscriptions?limit=${LIMIT}&q=${q}`,
  ),
  `/v1/accounts?limit=${LIMIT}&sort=waiting`,
  `/v1/accounts?limit=${LIMIT}&sort=success`,
  ...['small-', 'SMALL-1', 'idle', 'never'].map((q) => `/v1/accounts?limit=${LIMIT}&q=${q}`),
  `/v1/accounts?limit=${LIMIT}`,
  `/v1/accounts?limit=${LIMIT}&stats=24h`,
  `/v1/replays?limit=${LIMIT}`,
  `/v1/sessions?limit=${LIMIT}`,
  `/v1/event-types?limit=${LIMIT}`,
  `/v1/event-types/message:created/schemas?limit=${LIMIT}`,
];

/** Adds 1,000 sign-ins, and a replay over all accounts. Returns the path of that replay's accounts. */
async function fillForOperators(): Promise<string> {
  const { pool } = api.deps.db;
  await pool.query(
    `INSERT INTO sessions (id, kind, hash, lasts_seconds, expires_at)
     SELECT id, 'operator', uuid_send(id), 3600, now() + interval '1 hour' FROM (SELECT posthorn_uuidv7() AS id FROM generate_series(1, 1000)) made`,
  );
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO replays (id, which, since, until, account_ids, subscription_ids, event_types, statuses, outcomes, status, matched, has_more, ended_at, settled_at)
     VALUES (posthorn_uuidv7(), 'failed', now(), now(), '{}', '{}', '{}', '{failed}', '{}', 'completed', 1000, false, now(), now()) RETURNING id`,
  );
  const id = rows[0]?.id ?? NOBODY;
  await pool.query('INSERT INTO replay_accounts (replay_id, account_id, queued) SELECT $1, id, 1 FROM accounts', [id]);
  return `/v1/replays/${toTypeId('rpl', id)}/accounts?limit=${LIMIT}`;
}

describe('a page of any list touches few blocks', () => {
  /** Lists whose statements exceeded their limit, with the highest number of blocks. */
  async function dear(accounts: string[], others: string[] = []): Promise<object[]> {
    const found: object[] = [];
    const lists = await Promise.all(accounts.map(listsOf));
    for (const list of [...lists.flat(), ...OF_OPERATORS, ...others]) {
      ran = [];
      const { statusCode } = await api.app.inject({ url: list, headers: { authorization: `Bearer ${OPERATOR_KEY}` } });
      expect({ list, statusCode, isExplained: ran.length > 0 }).toEqual({ list, statusCode: 200, isExplained: true });
      const worst = ran.toSorted((a, b) => b.blocks - a.blocks)[0];
      const most = /sort=/.test(list)
        ? SORTED_BLOCKS
        : /statusCode=/.test(list)
          ? SCATTERED_BLOCKS
          : /(subscriptions|accounts)\?.*q=/.test(list)
            ? PREFIX_BLOCKS
            : /eventType=|event=\w+:|q=/.test(list)
              ? SEARCH_BLOCKS
              : BLOCKS;
      if ((worst?.blocks ?? 0) > most) found.push({ list, ...worst });
    }
    return found;
  }
  const analyze = () => api.deps.db.pool.query('VACUUM (ANALYZE)');

  it('if one account has all rows', async () => {
    await fill('busy', { rows: ROWS });
    await fill('idle', { rows: 0 });
    await analyze();
    expect(await dear(['busy', 'idle'])).toEqual([]);
  });

  it('if three accounts have all rows, and one of them has no recent rows', async () => {
    await fill('old', { rows: 2_000, endedDaysAgo: 10 });
    await fill('middling', { rows: 2_000, endedDaysAgo: 5 });
    await analyze();
    expect(await dear(['old', 'idle'])).toEqual([]);
  });

  it('if a thousand accounts have rows, and most of them have only a few', async () => {
    const { pool } = api.deps.db;
    await pool.query(`INSERT INTO accounts (id) SELECT 'small-' || n FROM generate_series(0, 996) n`);
    for (const table of [
      'events',
      'pending_deliveries',
      'finished_deliveries',
      'audit_entries',
      'replays',
      'api_keys',
      'subscriptions',
    ])
      await pool.query(
        `INSERT INTO ${table} SELECT made.* FROM (
           SELECT t AS model, posthorn_uuidv7() AS id, row_number() OVER () AS n FROM ${table} t WHERE account_id = 'middling'
         ) one CROSS JOIN jsonb_populate_record(
           model, jsonb_build_object('id', id, 'event_id', id, 'account_id', 'small-' || n % 997, 'hash', uuid_send(id))
         ) made`,
      );
    await analyze();
    expect(await dear(['busy', 'idle', 'small-1'], [await fillForOperators()])).toEqual([]);
  });
});
