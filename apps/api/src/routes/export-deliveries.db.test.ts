import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Delivery, toUuid } from '@posthorn/contract';
import { type Database, openReader, type Reader } from '@posthorn/core';
import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, REFUSED, type TestApi } from '../api.test-support.js';

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

const exportOf = async (account: string, query: string) =>
  (await api.call('GET', `/v1/accounts/${account}/deliveries/export?${query}`)).text;
const parse = (lines: string): Delivery[] =>
  lines
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Delivery);

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
    const listed: Delivery[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = `?limit=100${cursor && `&cursor=${cursor}`}`;
      const { json } = await api.call('GET', `/v1/accounts/${account}/deliveries${page}`);
      listed.push(...json.data);
      cursor = json.nextCursor;
    }
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
