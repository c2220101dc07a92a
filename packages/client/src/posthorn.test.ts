import { type Endpoint, openEndpoint } from '@posthorn/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiProblem, ApiUnreachable } from './errors.js';
import { Posthorn } from './posthorn.js';

// What the client does when the API, or a proxy before it, responds badly. posthorn.e2e.test.ts uses the real API.
let server: Endpoint;
let posthorn: Posthorn;
beforeEach(async () => {
  server = await openEndpoint();
  posthorn = new Posthorn({ url: `${server.url}/`, apiKey: 'key' });
});
afterEach(() => server.close());

const EVENT = { event: 'message:created', payload: { body: 'Hi' } };
const json = (body: unknown, status = 200, headers = {}) => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const problem = (status: number, code: string, headers = {}) => ({
  ...json(
    {
      type: '',
      title: 'T',
      status,
      code,
      detail: 'What happened.',
      errors: [{ path: 'url', message: 'is required' }],
      requestId: 'r1',
    },
    status,
  ),
  headers: { 'content-type': 'application/problem+json', ...headers },
});
const PUBLISHED = json({ id: 'evt_1', duplicate: false }, 202);

describe('retries', () => {
  it('publishes again after 429, 503 and a closed connection, with one Idempotency-Key and the same body', async () => {
    server.respondWith(
      problem(429, 'rate_limited', { 'retry-after': '0' }),
      problem(503, 'unavailable'),
      'close',
      PUBLISHED,
    );
    expect(await posthorn.publish('acme', EVENT)).toMatchObject({ id: 'evt_1' });
    expect(server.events).toHaveLength(4);
    expect(new Set(server.events.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(new Set(server.events.map(({ rawBody }) => rawBody.toString()))).toEqual(new Set([JSON.stringify(EVENT)]));
  });

  it('sends no header whose value is undefined', async () => {
    server.respondWith(PUBLISHED);
    const header = { 'Idempotency-Key': undefined } as unknown as { 'Idempotency-Key': string };
    const params = { path: { account: 'acme' }, header };
    await posthorn.routes.POST('/v1/accounts/{account}/events', { params, body: EVENT });
    expect(server.events[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it('gives every event of a batch a key of its own, and keeps given ones', async () => {
    server.respondWith(json({ data: [] }, 202));
    await posthorn.publishBatch('acme', [EVENT, { ...EVENT, idempotencyKey: 'mine' }, EVENT]);
    const { events } = JSON.parse(String(server.events[0]?.rawBody));
    const keys = events.map(({ idempotencyKey }: { idempotencyKey: string }) => idempotencyKey);
    expect(keys[1]).toBe('mine');
    expect(new Set(keys).size).toBe(3);
  });

  it('does not create a subscription twice: repeats after 429 only', async () => {
    server.respondWith(problem(429, 'rate_limited'), problem(503, 'unavailable'), json({}, 201));
    await expect(posthorn.subscriptions.create('acme', { url: 'https://a.example' })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(server.events).toHaveLength(2);
  });

  it('creates after the connection was refused, since nothing was sent', async () => {
    const gone = await openEndpoint();
    await gone.close();
    let attempts = 0;
    // The first attempt reaches a closed port, the second one the server.
    const recovering: typeof fetch = (url, init) => fetch((attempts += 1) === 1 ? gone.url : url, init);
    server.respondWith(json({ id: 'sub_1' }, 201));
    const client = new Posthorn({ url: server.url, apiKey: 'key', fetch: recovering });
    expect(await client.subscriptions.create('acme', { url: 'https://a.example' })).toMatchObject({ id: 'sub_1' });
    expect([attempts, server.events.length]).toEqual([2, 1]);
  });

  it('a repeated DELETE that finds nothing succeeds, since the response to the first one was lost', async () => {
    const notFound = problem(404, 'not_found');
    server.respondWith('close', notFound);
    expect(await posthorn.subscriptions.delete('acme', 'sub_1')).toBeUndefined();
    server.respondWith(problem(503, 'unavailable'), notFound);
    expect(await posthorn.accounts.delete('acme')).toBeUndefined();
    expect(server.requests).toHaveLength(4);
  });

  it('a DELETE that finds nothing fails if no earlier attempt can have deleted it', async () => {
    const notFound = problem(404, 'not_found');
    for (const script of [[notFound], [problem(429, 'rate_limited'), notFound], ['close', { status: 404 }] as const]) {
      server.respondWith(...script);
      await expect(posthorn.subscriptions.delete('acme', 'sub_1')).rejects.toMatchObject({ status: 404 });
    }
  });

  it('a repeated PATCH that finds nothing fails', async () => {
    server.respondWith('close', problem(404, 'not_found'));
    await expect(posthorn.subscriptions.change('acme', 'sub_1', {})).rejects.toMatchObject({ code: 'not_found' });
  });

  it('does not repeat what cannot succeed', async () => {
    server.respondWith(problem(422, 'invalid_request'));
    await expect(posthorn.publish('acme', EVENT)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(server.events).toHaveLength(1);
  });

  it('stops after maxAttempts with the last problem', async () => {
    server.respondWith(problem(503, 'unavailable'));
    const impatient = new Posthorn({ url: server.url, apiKey: 'key', maxAttempts: 2 });
    await expect(impatient.publish('acme', EVENT)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(server.events).toHaveLength(2);
  });

  it('does not wait for a Retry-After beyond its time limit', async () => {
    server.respondWith(problem(429, 'rate_limited', { 'retry-after': '3600' }));
    await expect(posthorn.publish('acme', EVENT)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 3_600_000,
    });
    expect(server.events).toHaveLength(1);
  });
});

describe('time limits', () => {
  it('ends an attempt without a response, and repeats it', async () => {
    server.respondWith('never', PUBLISHED);
    const impatient = new Posthorn({
      url: server.url,
      apiKey: 'key',
      attemptTimeoutMs: 300,
      timeoutMs: 200_000,
      maxAttempts: 50,
    });
    expect(await impatient.publish('acme', EVENT)).toMatchObject({ id: 'evt_1' });
  });

  it('ends the call at its limit', async () => {
    server.respondWith('never');
    const error = await posthorn.publish('acme', EVENT, { timeoutMs: 50 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiUnreachable);
    expect((error as Error).message).toMatch(/^The API at http:\/\/127\.0\.0\.1:\d+ did not respond within \d+ ms\.$/);
  });

  it('throws the reason of the caller’s signal, also while it waits for a retry', async () => {
    server.respondWith(problem(503, 'unavailable', { 'retry-after': '20' }));
    const controller = new AbortController();
    const calling = posthorn.publish('acme', EVENT, { signal: controller.signal });
    await expect.poll(() => server.events.length).toBe(1);
    controller.abort(new Error('enough'));
    await expect(calling).rejects.toThrow('enough');
    await expect(posthorn.publish('acme', EVENT, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
    expect(server.events).toHaveLength(1);
  });
});

describe('errors', () => {
  it('a problem has its code, status, fields, request id, and a message with the fix', async () => {
    server.respondWith(problem(422, 'invalid_request'));
    const error = await posthorn.accounts.put('acme').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({
      name: 'ApiProblem',
      message: 'What happened.',
      code: 'invalid_request',
      status: 422,
      errors: [{ path: 'url', message: 'is required' }],
      requestId: 'r1',
      retryAfterMs: null,
    });
  });

  it.each([
    ['an error page of a proxy', { status: 500, body: '<h1>Oops</h1>' }, { code: 'http_500', status: 500 }],
    ['JSON that is not a problem', json(null, 400), { code: 'http_400' }],
    [
      'a redirect, which would turn a POST into a GET',
      { status: 302, headers: { location: '/' } },
      { code: 'http_302' },
    ],
  ])('%s becomes an ApiProblem with the status as its code', async (_what, response, expected) => {
    server.respondWith(response);
    await expect(posthorn.publish('acme', EVENT)).rejects.toMatchObject({ name: 'ApiProblem', ...expected });
  });

  it('a page instead of JSON asks for the right URL', async () => {
    server.respondWith({ status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Hi</h1>' });
    await expect(posthorn.accounts.get('acme')).rejects.toThrow(
      /returned text\/html instead of JSON. Is `url` the URL of Posthorn\?/,
    );
  });

  it.each([
    ['a URL without a scheme', { url: 'hooks.example.com', apiKey: 'key' }, /url must begin with http/],
    ['no key', { url: 'https://hooks.example.com', apiKey: '' }, /apiKey is required/],
  ])('refuses %s at once', (_what, options, message) => {
    expect(() => new Posthorn(options)).toThrow(message);
  });

  it('refuses an Idempotency-Key that a header cannot contain', async () => {
    const publish = async () => posthorn.publish('acme', { ...EVENT, idempotencyKey: 'naïve' });
    await expect(publish()).rejects.toThrow(/idempotencyKey must be/);
    expect(server.events).toEqual([]);
  });
});

describe('requests', () => {
  it('keeps the path of the URL, escapes ids, repeats array parameters, and sends the key and its own headers', async () => {
    server.respondWith(json({ data: [], nextCursor: null }));
    const client = new Posthorn({ url: server.url, apiKey: 'secret', headers: { 'x-proxy': '1' } });
    await client.deliveries.list('a/b', { status: ['failed', 'canceled'], limit: 5 }).page();
    expect(server.requests[0]).toMatchObject({
      method: 'GET',
      path: '/webhook/v1/accounts/a%2Fb/deliveries?status=failed&status=canceled&limit=5',
      headers: {
        authorization: 'Bearer secret',
        'x-proxy': '1',
        'user-agent': expect.stringMatching(/^posthorn-client\/\d/),
      },
    });
  });

  it.each(['.', '..', '', undefined, null])('refuses %j as an id, since its URL would be another route', async (id) => {
    const { replays, accounts, deliveries } = posthorn;
    const given = id as string;
    const reason = /^account must be an id; it is (undefined|null|"[.]*")$/;
    await expect(replays.start(given, { which: 'failed' })).rejects.toThrow(reason);
    await expect(accounts.delete(given)).rejects.toThrow(TypeError);
    await expect(deliveries.list(given).page()).rejects.toThrow(reason);
    await expect(deliveries.get('acme', given)).rejects.toThrow(/^delivery must be an id/);
    expect(server.requests).toEqual([]);
  });

  it('replaces half of a surrogate pair by U+FFFD', async () => {
    server.respondWith(PUBLISHED);
    await posthorn.publish('acme', { event: 'message:created', payload: { body: 'Hi \ud83d', '\udc4b': 1 } });
    expect(String(server.events[0]?.rawBody)).toBe('{"event":"message:created","payload":{"body":"Hi �","�":1}}');
  });

  it('uses a given fetch', async () => {
    const urls: string[] = [];
    const client = new Posthorn({
      url: 'https://hooks.example.com/posthorn',
      apiKey: 'key',
      fetch: async (url) => {
        urls.push(url instanceof Request ? url.url : url.toString());
        return Response.json({ id: 'acme' });
      },
    });
    expect(await client.accounts.get('acme')).toEqual({ id: 'acme' });
    expect(urls).toEqual(['https://hooks.example.com/posthorn/v1/accounts/acme']);
  });
});
