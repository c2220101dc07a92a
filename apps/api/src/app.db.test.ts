import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '@posthorn/testing';
import { openTestApi, type TestApi } from './api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

/** Starts listening on the first call. Returns the port. */
async function listen(): Promise<number> {
  if (!api.app.server.listening) await api.app.listen({ host: '127.0.0.1', port: 0 });
  const [address] = api.app.addresses();
  if (typeof address !== 'object') throw new Error('it listens on no port');
  return address.port;
}

describe('errors', () => {
  it('returns a 500 without internals for an unexpected error, and logs it', async () => {
    const publish = api.deps.publisher.publish;
    api.deps.publisher.publish = async () => {
      throw new Error('relation "secret_table" does not exist');
    };
    const account = await api.account();
    const { status, json, text } = await api.call('POST', `/v1/accounts/${account}/events`, {
      body: { event: 'message:created', payload: {} },
    });
    api.deps.publisher.publish = publish;
    expect([status, json.code]).toEqual([500, 'internal_error']);
    expect(text).not.toContain('secret_table');
    const line = api.logged.find((logged) => logged.includes('secret_table'));
    expect(line).toContain(json.requestId);
  });

  it('have exactly the documented fields (V9)', async () => {
    const { json, headers } = await api.call('GET', '/v1/accounts/nobody');
    expect(json).toEqual({
      type: 'urn:posthorn:problem:not_found',
      title: 'Not found',
      status: 404,
      code: 'not_found',
      detail:
        'This account does not exist, or the key belongs to another one. The operator creates it with PUT /v1/accounts/{account}.',
      errors: [],
      requestId: headers['x-request-id'],
    });
  });

  it.each(['/nope', '/v1', '/v1/nope', '/v1/accounts/', '/v2/accounts'])(
    'returns a 404 problem for %s',
    async (path) => {
      const { status, json, headers } = await api.call('GET', path);
      expect([status, json.code]).toEqual([404, 'not_found']);
      expect(headers['content-type']).toContain('application/problem+json');
    },
  );

  it('requires a key for HEAD as for GET, and returns the same headers', async () => {
    const refused = await api.app.inject({ method: 'HEAD', url: '/v1/accounts' });
    expect(refused.statusCode).toBe(401);
    const response = await api.app.inject({
      method: 'HEAD',
      url: '/v1/accounts',
      headers: { authorization: `Bearer ${api.deps.operatorKey}` },
    });
    expect([response.statusCode, response.body]).toEqual([200, '']);
  });

  it('returns 400 for a URL with invalid escapes', async () => {
    const response = await api.app.inject({ url: '/v1/accounts/%zz' });
    expect([response.statusCode, response.json().code]).toEqual([400, 'bad_request']);
    expect(response.headers['x-request-id']).toBe(response.json().requestId);
  });

  it('returns a problem for invalid HTTP', async () => {
    const port = await listen();
    const socket = connect(port, '127.0.0.1');
    socket.end('NONSENSE\r\n\r\n');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain('"code":"bad_request"');
  });
});

describe('X-Request-Id', () => {
  const requestId = async (given?: string) =>
    (await api.call('GET', '/livez', given === undefined ? {} : { headers: { 'x-request-id': given } })).headers[
      'x-request-id'
    ];

  it('is echoed', async () => {
    expect(await requestId('my-id_1.2')).toBe('my-id_1.2');
  });
  it('is generated, and unique, for a request without one', async () => {
    const [one, two] = [await requestId(), await requestId()];
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(two).not.toBe(one);
  });
  it.each(['a b', 'x'.repeat(129), '<script>', ''])('is generated instead of %j', async (given) => {
    expect(await requestId(given)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('the log', () => {
  it('has one line per request, with request id and route, and without key, body and query', async () => {
    const account = await api.account();
    api.logged.length = 0;
    await api.call('POST', `/v1/accounts/${account}/events?token=in-the-query`, {
      body: { event: 'message:created', payload: { body: 'private words' } },
      headers: { 'x-request-id': 'one-line' },
    });
    const lines = api.logged.filter((line) => line.includes('one-line'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      msg: 'request',
      requestId: 'one-line',
      method: 'POST',
      path: `/v1/accounts/${account}/events`,
      route: '/v1/accounts/:account/events',
      statusCode: 202,
      caller: 'operator',
      durationMs: expect.any(Number),
    });
    expect(lines[0]).not.toMatch(/private words|in-the-query|Bearer/);
    expect(lines[0]).not.toContain(api.deps.operatorKey);
  });

  it('has no info line for health checks', async () => {
    api.logged.length = 0;
    for (const path of ['/livez', '/readyz', '/metrics']) await api.call('GET', path);
    expect(api.logged).toEqual([]);
  });
});

describe('a client that disconnects while it sends its body', () => {
  it.each(['/v1/portal-session', '/api/event_subscriptions/verify'])('%s: is logged at info', async (path) => {
    const key = await api.key(await api.account());
    const port = await listen();
    api.logged.length = 0;
    const socket = connect(port, '127.0.0.1');
    const begun = once(api.app.server, 'request');
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    );
    const [request] = await begun;
    await waitFor(() => request.listenerCount('data') > 0); // the server is reading its body
    socket.destroy();
    const line = await waitFor(() => api.logged.find((logged) => logged.includes('request.aborted')));
    expect(JSON.parse(line)).toMatchObject({ level: 30, method: 'POST', route: path });
    expect(api.logged.filter((logged) => JSON.parse(logged).level > 30)).toEqual([]);
  });
});

describe('a route without a key', () => {
  it('reads no more than 4 KiB', async () => {
    for (const url of ['/v1/session', '/v1/portal-session']) {
      const { status, json } = await api.call('POST', url, { key: null, body: { key: 'x'.repeat(4_096) } });
      expect([url, status, json.code]).toEqual([url, 413, 'payload_too_large']);
    }
  });

  it('returns less than it received for thousands of invalid fields', async () => {
    const fields = Array.from({ length: 400 }, (_, index) => [`f${index}`, 1]);
    const body = JSON.stringify(Object.fromEntries(fields));
    const { status, json, text } = await api.call('POST', '/v1/portal-session', { key: null, body });
    expect([status, json.errors.length]).toEqual([422, 20]);
    expect(text.length).toBeLessThan(body.length);
  });
});

describe('closing', () => {
  it('does not wait for an unused connection', async () => {
    const closing = await openTestApi();
    const { port } = new URL(await closing.app.listen({ host: '127.0.0.1', port: 0 }));
    const accepted = once(closing.app.server, 'connection');
    const socket = connect(Number(port), '127.0.0.1');
    await accepted;
    const closed = once(socket.resume(), 'close');
    await closing.close();
    await closed;
  });
});

it('redirects / to the documentation when the console is not built', async () => {
  const root = await api.app.inject('/');
  expect([root.statusCode, root.headers.location]).toEqual([302, '/docs/']);
});
