import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type AuditEntry, type Delivery, type Event, SCOPES, toUuid } from '@posthorn/contract';
import { type Database, openReader, type Reader } from '@posthorn/core';
import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echo, openTestApi, REFUSED, type TestApi } from '../api.test-support.js';

let api: TestApi;
let url: string;
/** How many reads for lists were made. */
let reads = 0;
beforeAll(async () => {
  let reader: Reader | undefined;
  api = await openTestApi({
    reader: {
      measure: async () => null,
      read: (work) => {
        reads += 1;
        reader ??= openReader({ primary: api.deps.db, replica: null, log: api.deps.log });
        return reader.read(work as (db: Database) => Promise<never>);
      },
    },
  });
  url = await api.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => api.close());

const exportOf = async (account: string, query: string, what = 'deliveries') =>
  (await api.call('GET', `/v1/accounts/${account}/${what}/export?${query}`)).text;
const parse = <Row = Delivery>(lines: string): Row[] =>
  lines
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);

/** All pages of a list. */
async function listOf<Row>(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { json } = await api.call('GET', `${path}?limit=100${cursor && `&cursor=${cursor}`}`);
    rows.push(...json.data);
    cursor = json.nextCursor;
  }
  return rows;
}

/** Finished deliveries, one in 100 of which failed. */
async function fill(account: string, count: number): Promise<void> {
  const subscription = toUuid('sub', await api.activeSubscription(account));
  await api.deps.db.pool.query(
    `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
     SELECT posthorn_delivery_id(id), $1, id, 'message:created', $2, CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END::delivery_status, 1, 0, now(), now()
     FROM (SELECT posthorn_uuidv7() AS id, n FROM generate_series(1, $3::int) n) made`,
    [account, subscription, count],
  );
}

/** Opens an export over HTTP and reads nothing of it yet. */
async function open(account: string, query = 'format=ndjson'): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${api.deps.operatorKey}` };
  const request = get(`${url}/v1/accounts/${account}/deliveries/export?${query}`, { headers, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

describe('GET …/deliveries/export', () => {
  it('NDJSON contains the deliveries of the list, each once, newest first, with the same filters', async () => {
    const account = await api.account();
    await fill(account, 700);
    const listed = await listOf<Delivery>(`/v1/accounts/${account}/deliveries`);
    expect(parse(await exportOf(account, 'format=ndjson'))).toEqual(listed);
    const failed = listed.filter(({ status }) => status === 'failed');
    expect(failed).toHaveLength(7);
    expect(parse(await exportOf(account, 'format=ndjson&status=failed'))).toEqual(failed);
    expect(parse(await exportOf(account, `format=ndjson&q=${failed[0]?.id}`))).toEqual(failed.slice(0, 1));
    expect(await exportOf(account, 'format=ndjson&eventType=never:came')).toBe('');
    expect(parse(await exportOf(await api.account(), 'format=ndjson'))).toEqual([]);
  });

  it('CSV has one line per delivery; a text that a spreadsheet would run as a formula gets a leading apostrophe', async () => {
    const account = '-1+1';
    const plain = '-1';
    expect((await api.call('PUT', `/v1/accounts/${encodeURIComponent(account)}`, { body: {} })).status).toBe(422);
    await api.call('PUT', `/v1/accounts/${plain}`, { body: {} });
    await api.activeSubscription(plain, { url: 'https://hooks.example.com/a,b?c="d"' });
    api.respond((request) => (Buffer.from(request.body).includes('webhook:verify') ? {} : REFUSED));
    await api.call('POST', `/v1/accounts/${plain}/events`, { body: { event: 'message:created', payload: {} } });
    await api.deps.publisher.drain();
    await api.work();
    const [delivery] = (await api.call('GET', `/v1/accounts/${plain}/deliveries`)).json.data as Delivery[];
    const { headers, text: csv } = await api.call('GET', `/v1/accounts/${plain}/deliveries/export`);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="deliveries--1.csv"',
      'cache-control': 'no-store',
    });
    expect(csv.split('\r\n')).toEqual([
      'id,account_id,event_id,event,subscription_id,url,status,status_reason,attempt_count,last_outcome,last_status_code,last_trigger,' +
        'last_duration_ms,last_attempt_at,next_attempt_at,waiting_for,created_at,completed_at',
      [
        delivery?.id,
        "'-1",
        delivery?.eventId,
        'message:created',
        delivery?.subscriptionId,
        delivery?.url.includes(',') ? `"${delivery.url.replaceAll('"', '""')}"` : delivery?.url,
        'pending,,1,http_error,500,auto,3',
        delivery?.lastAttempt?.at,
        delivery?.nextAttemptAt,
        'scheduled',
        delivery?.createdAt,
        '',
      ].join(','),
      '',
    ]);
  });

  it('stalls while its client reads nothing, delays no other request, and continues when the client reads again', async () => {
    const account = await api.account();
    await fill(account, 50_000);
    const response = await open(account);
    await once(response, 'readable');
    reads = 0;
    // The buffers of the sockets are full when only other requests make reads.
    await waitFor(async () => {
      const before = reads;
      for (let request = 1; request <= 5; request += 1)
        expect((await api.call('GET', `/v1/accounts/${account}/deliveries?limit=1`)).status).toBe(200);
      return reads === before + 5;
    });
    const readForExport = reads;
    const lines = await text(response);
    expect(lines.trimEnd().split('\n')).toHaveLength(50_000);
    expect(reads).toBeGreaterThan(readForExport);
  });

  it('returns 429 above the limit of concurrent exports of a key; an export ends when its client disconnects', async () => {
    const account = await api.account();
    await fill(account, 50_000);
    const key = await api.key(account);
    const begin = () => {
      const headers = { authorization: `Bearer ${key}` };
      return fetch(`${url}/v1/accounts/${account}/deliveries/export`, { headers });
    };
    const first = [await begin(), await begin()];
    const refused = await begin();
    expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'rate_limited' }]);
    for (const { body } of first) await body?.cancel();
    await waitFor(async () => {
      const response = await begin();
      await response.body?.cancel();
      return response.status === 200;
    });
  });

  it('returns 404 for an account that does not exist, before anything is sent', async () => {
    expect((await api.call('GET', '/v1/accounts/nobody/deliveries/export')).status).toBe(404);
  });
});

describe('GET …/events/export', () => {
  const publish = async (account: string, count: number, name = 'Ada') => {
    const events = Array.from({ length: count }, () => ({ event: 'message:created', payload: { name } }));
    await api.call('POST', `/v1/accounts/${account}/events/batch`, { body: { events } });
  };

  it('NDJSON contains the events of the list, each once, newest first, with the same filters', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    await publish(account, 300);
    await publish(account, 1, '=Grace');
    const listed = await listOf<Event>(`/v1/accounts/${account}/events`);
    expect(listed).toHaveLength(301);
    const exported = async (query: string) => parse<Event>(await exportOf(account, `format=ndjson${query}`, 'events'));
    expect(await exported('')).toEqual(listed);
    expect(await exported('&event=message:created&event=never:came')).toEqual(listed);
    expect(await exported('&event=never:came')).toEqual([]);
    expect(await exported('&q=Grace')).toEqual(listed.slice(0, 1));
    expect(await exported(`&q=${listed[7]?.id}`)).toEqual(listed.slice(7, 8));
    expect(await exported('&to=2020-01-01T00:00:00Z')).toEqual([]);
  });

  it('CSV has one line per event with the number of its deliveries by status', async () => {
    const account = await api.account();
    api.respond(echo);
    await api.activeSubscription(account);
    await publish(account, 1);
    const [event] = await listOf<Event>(`/v1/accounts/${account}/events`);
    const { headers, text: csv } = await api.call('GET', `/v1/accounts/${account}/events/export`);
    expect(headers['content-disposition']).toBe(`attachment; filename="events-${account}.csv"`);
    expect(csv.split('\r\n')).toEqual([
      'id,account_id,event,created_at,deliveries,fan_out,pending,held,succeeded,failed,canceled',
      `${event?.id},${account},message:created,${event?.createdAt},1,,1,0,0,0,0`,
      '',
    ]);
  });

  it('a link downloads it once, with the scope to read events', async () => {
    const account = await api.account();
    await publish(account, 2);
    const portal = await api.portal(account, ['events:read']);
    const path = `/v1/accounts/${account}/events/export-links?format=ndjson&q=Ada`;
    expect((await api.call('POST', path, { key: await api.portal(account, ['deliveries:read']) })).status).toBe(403);
    const { json: link } = await api.call('POST', path, { key: portal });
    const { text: got } = await api.call('GET', `/v1/exports?token=${link.token}`, { key: null });
    expect(got).toBe(await exportOf(account, 'format=ndjson&q=Ada', 'events'));
    expect(parse<Event>(got)).toHaveLength(2);
    const state = await api.call('GET', `/v1/accounts/${account}/export-links/${link.id}`, { key: portal });
    expect(state.json.openedAt).toEqual(expect.any(String));
    const { json: log } = await api.call('GET', `/v1/accounts/${account}/audit?limit=1`);
    expect(log.data).toMatchObject([{ action: 'exportLinks.createForEvents', changes: { format: { to: 'ndjson' } } }]);
  });
});

describe('GET …/audit/export', () => {
  /** Entries of one account. Every tenth is by an account key. */
  const log = (account: string, count: number) =>
    api.deps.db.pool.query(
      `INSERT INTO audit_entries (id, actor, account_id, action, target_type, request_id, address, changes)
       SELECT posthorn_uuidv7(), CASE WHEN n % 10 = 0 THEN 'account' ELSE 'operator' END::actor_kind, $1, 'accounts.put', 'account', n, '192.0.2.1',
         '{"name":{"from":"a","to":"b"}}'
       FROM generate_series(1, $2::int) n`,
      [account, count],
    );

  it('NDJSON contains the entries of the list, each once, newest first, with the same filters', async () => {
    const [account, other] = [await api.account(), await api.account()];
    await log(account, 300);
    await log(other, 5);
    const listed = await listOf<AuditEntry>(`/v1/accounts/${account}/audit`);
    const exported = async (query: string) =>
      parse<AuditEntry>(await exportOf(account, `format=ndjson${query}`, 'audit'));
    expect(await exported('')).toEqual(listed);
    expect(await exported('&actor=account&action=accounts.put')).toHaveLength(30);
    expect(await exported('&to=2020-01-01T00:00:00Z')).toEqual([]);
    const { text: all } = await api.call('GET', '/v1/audit/export?format=ndjson');
    expect(parse(all)).toEqual(await listOf('/v1/audit'));
    const { text: ofOther } = await api.call('GET', `/v1/audit/export?format=ndjson&account=${other}`);
    expect(parse<AuditEntry>(ofOther).map(({ accountId }) => accountId)).toEqual(Array(6).fill(other));
  });

  it('CSV has one line per entry; an account does not see the addresses of operators', async () => {
    const account = await api.account();
    await log(account, 1);
    const csvOf = async (key: string) =>
      (await api.call('GET', `/v1/accounts/${account}/audit/export?action=accounts.put`, { key })).text.split('\r\n');
    const [head, entry = ''] = await csvOf(api.deps.operatorKey);
    expect(head).toBe(
      'id,created_at,done_at,actor_kind,actor_id,actor_name,account_id,action,target_type,target_id,target_name,changes,request_id,address',
    );
    expect(entry).toMatch(
      /^aud_\w{26},[^,]+Z,,operator,,,[\w-]+,accounts\.put,account,,,"\{""name"":\{""from"":""a"",""to"":""b""\}\}",1,192\.0\.2\.1$/,
    );
    const [, shown = ''] = await csvOf(await api.portal(account, ['subscriptions:read']));
    expect(shown).toBe(entry.replace('192.0.2.1', ''));
  });
});

describe('an export link', () => {
  const linkFor = async (account: string, key: string | null = null, query = 'format=ndjson') =>
    (
      await api.call('POST', `/v1/accounts/${account}/export-links?${query}`, {
        headers: { host: 'hooks.example.com' },
        ...(key !== null && { key }),
      })
    ).json;
  const download = (token: string) => api.call('GET', `/v1/exports?token=${token}`, { key: null });

  it('downloads exactly its export, without a key, once', async () => {
    const account = await api.account();
    await fill(account, 300);
    const query = 'format=ndjson&status=failed&from=2020-01-01T00:00:00Z';
    const link = await linkFor(account, await api.portal(account, ['deliveries:read']), query);
    expect(link).toEqual({
      id: expect.stringMatching(/^exl_/),
      url: `http://hooks.example.com/v1/exports?token=${link.token}`,
      token: expect.stringMatching(/^phx_[\w-]{43}$/),
      expiresAt: expect.any(String),
    });
    const state = `/v1/accounts/${account}/export-links/${link.id}`;
    expect((await api.call('GET', state)).json).toEqual({ id: link.id, expiresAt: link.expiresAt, openedAt: null });
    const preview = await fetch(`${url}/v1/exports?token=${link.token}`, { method: 'HEAD' });
    expect(preview.status).toBe(405);
    const all = await Promise.all([download(link.token), download(link.token), download(link.token)]);
    const got = all.find(({ status }) => status === 200);
    expect(all.filter((response) => response !== got).map(({ status }) => status)).toEqual([401, 401]);
    expect(got?.text).toBe(await exportOf(account, query));
    expect(parse(got?.text ?? '')).toHaveLength(3);
    expect(got?.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': `attachment; filename="deliveries-${account}.ndjson"`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    expect((await api.call('GET', state)).json.openedAt).toEqual(expect.any(String));
  });

  it('expires, and ends with its portal, its session, its key or its account', async () => {
    const account = await api.account();
    const sql = (statement: string, ...values: unknown[]) => api.deps.db.pool.query(statement, values);
    const expired = await linkFor(account);
    await sql('UPDATE export_links SET expires_at = now() WHERE id = $1', toUuid('exl', expired.id));
    const ofPortal = await linkFor(account, await api.portal(account));
    await sql("UPDATE sessions SET expires_at = now() WHERE account_id = $1 AND kind = 'portal'", account);
    const ofEnded = await linkFor(account, await api.portal(account));
    await api.call('DELETE', `/v1/accounts/${account}/portal-sessions`);
    const key = await api.key(account);
    const ofKey = await linkFor(account, key);
    const { json: keys } = await api.call('GET', `/v1/accounts/${account}/keys`, { key: api.deps.operatorKey });
    for (const { id } of keys.data) await api.call('DELETE', `/v1/accounts/${account}/keys/${id}`);
    const ofAccount = await linkFor(account);
    await api.call('DELETE', `/v1/accounts/${account}`);
    for (const { token } of [expired, ofPortal, ofEnded, ofKey, ofAccount, { token: 'phx_nobody' }])
      expect((await download(token)).json).toMatchObject({ code: 'unauthenticated' });
  });

  it('is rejected like its export: an invalid filter is a 422, one above the limit of running exports a 429', async () => {
    const account = await api.account();
    const create = (query: string, key: string) =>
      api.call('POST', `/v1/accounts/${account}/export-links?${query}`, { key });
    const portal = await api.portal(account);
    expect((await create('format=xml', portal)).status).toBe(422);
    expect((await create('limit=1', portal)).status).toBe(422);

    await fill(account, 50_000);
    const begin = async (token: string) => fetch(`${url}/v1/exports?token=${token}`);
    const [first, second, late] = [
      await linkFor(account, portal),
      await linkFor(account, portal),
      await linkFor(account, portal),
    ];
    const running = [await begin(first.token), await begin(second.token)];
    expect((await create('format=csv', portal)).json).toMatchObject({ code: 'rate_limited' });
    expect((await begin(late.token)).status).toBe(429);
    expect((await create('format=csv', await api.portal(account))).status).toBe(201);
    for (const { body } of running) await body?.cancel();
    await waitFor(async () => (await create('format=csv', portal)).status === 201);
  });

  it('is in the audit log, and its token in no table and no log', async () => {
    const account = await api.account();
    const { token } = await linkFor(account, await api.portal(account, SCOPES), 'format=csv&q=secret');
    await download(token);
    const { json } = await api.call('GET', `/v1/accounts/${account}/audit?limit=1`);
    expect(json.data).toMatchObject([
      { action: 'exportLinks.create', actor: { kind: 'portal' }, changes: { format: { to: 'csv' } } },
    ]);
    expect(JSON.stringify(json.data)).not.toContain('secret');
    const { rows } = await api.deps.db.pool.query('SELECT l::text AS stored FROM export_links l');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain('phx_');
    const lines = api.logged.filter((line) => line.includes('/v1/exports'));
    expect(lines.join('')).not.toContain('phx_');
    const session = (await api.call('GET', '/v1/sessions?limit=1')).json.data[0].id;
    expect(JSON.parse(lines.at(-1) ?? '{}')).toMatchObject({ caller: 'portal', sessionId: toUuid('ses', session) });
  });
});

it('a shutdown of the API cuts an export off, and the client sees that it is incomplete', async () => {
  const other = await openTestApi();
  const address = await other.app.listen({ port: 0, host: '127.0.0.1' });
  const account = await other.account();
  const kept = api;
  api = other;
  await fill(account, 50_000).finally(() => (api = kept));
  const response = await fetch(`${address}/v1/accounts/${account}/deliveries/export`, {
    headers: { authorization: `Bearer ${other.deps.operatorKey}` },
  });
  const closing = other.close();
  await expect(response.text()).rejects.toThrow();
  await closing;
});
