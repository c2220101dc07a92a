import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { ApiProblem, type Followed, Posthorn } from '@posthorn/client';
import { handleWebhook as inExpress } from '@posthorn/client/express';
import { handleWebhook as inFastify } from '@posthorn/client/fastify';
import { handleWebhook as inHono } from '@posthorn/client/hono';
import { handleWebhook as inNext } from '@posthorn/client/next';
import type { WebhookOptions } from '@posthorn/client/webhooks';
import { type Endpoint, openEndpoint, waitFor } from '@posthorn/testing';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, describe, expect } from 'vitest';
import { it } from './shared-stack.js';
import type { Stack } from './stack.js';

interface Events {
  'message:created': { id: string; body: string };
  'conversation:created': { id: string };
}

const document: { paths: Record<string, Record<string, { operationId: string }>> } = JSON.parse(
  readFileSync(new URL('../packages/client/openapi.json', import.meta.url), 'utf8'),
);

let stack: Stack;
let posthorn: Posthorn<Events>;
let endpoint: Endpoint;
it.beforeAll(async ({ sharedStack }) => {
  stack = sharedStack;
  posthorn = new Posthorn<Events>({
    url: stack.apiUrl,
    apiKey: stack.operatorKey,
    attemptTimeoutMs: 100_000,
    timeoutMs: 200_000,
  });
  endpoint = await openEndpoint();
});
afterAll(() => endpoint?.close());

const MESSAGE = { event: 'message:created', payload: { id: 'm_1', body: 'Grüße, 世界' } } as const;
let accounts = 0;
async function newAccount(): Promise<string> {
  const account = `sdk-${++accounts}`;
  await posthorn.accounts.put(account, { name: `Account ${accounts}` });
  return account;
}
async function subscribe(account: string, url = endpoint.url): Promise<string> {
  const { id } = await posthorn.subscriptions.create(account, { url, description: 'CRM', retrySchedule: [3_600] });
  await waitFor(async () => (await posthorn.subscriptions.get(account, id)).status === 'active', {
    what: 'the verification',
  });
  return id;
}
const finished = (account: string, event: string) =>
  waitFor(
    async () => {
      const [delivery] = await posthorn.deliveries.list(account, { event }).take(1);
      return delivery?.completedAt ? delivery : null;
    },
    { what: 'the delivery' },
  );

describe('every method, against the real API', () => {
  it('accounts and keys', async () => {
    const account = await newAccount();
    expect(await posthorn.accounts.get(account, { stats: '24h' })).toMatchObject({
      id: account,
      stats: { subscriptions: 0 },
    });
    expect(await posthorn.accounts.list({ q: account }).take(1)).toMatchObject([{ id: account }]);
    const created = await posthorn.keys.create(account, { name: 'CI', scopes: ['events:write'] });
    expect(await posthorn.keys.list(account).take(9)).toMatchObject([{ id: created.id, name: 'CI' }]);
    const limited = new Posthorn<Events>({ url: stack.apiUrl, apiKey: created.key });
    expect(await limited.publish(account, MESSAGE)).toMatchObject({ accountId: account });
    await expect(limited.deliveries.list(account).page()).rejects.toMatchObject({ code: 'forbidden' });
    await posthorn.keys.revoke(account, created.id);
    await expect(limited.publish(account, MESSAGE)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await posthorn.accounts.delete(account)).toMatchObject({ id: account });
    await expect(posthorn.accounts.get(account)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('publishes once per key, in batches, and reads events back', async () => {
    const account = await newAccount();
    const first = await posthorn.publish(account, { ...MESSAGE, idempotencyKey: 'm_1' });
    expect(first).toMatchObject({ duplicate: false, deliveries: 0 });
    expect(await posthorn.publish(account, { ...MESSAGE, idempotencyKey: 'm_1' })).toMatchObject({
      id: first.id,
      duplicate: true,
    });
    const conflict = posthorn.publish(account, {
      event: 'message:created',
      payload: { id: 'm_2', body: '' },
      idempotencyKey: 'm_1',
    });
    await expect(conflict).rejects.toMatchObject({ code: 'idempotency_conflict', status: 409 });
    const batch = await posthorn.publishBatch(account, [
      MESSAGE,
      { event: 'conversation:created', payload: { id: 'c_1' } },
    ]);
    expect(batch.map(({ event }) => event)).toEqual(['message:created', 'conversation:created']);
    expect(await posthorn.events.get(account, first.id)).toMatchObject({ payload: MESSAGE.payload, deliveries: [] });
    const lost = { id: 'evt_01jd4q8y3ne9mav5w2xkq7rf0c', idempotencyKey: 'm_9' };
    expect(await posthorn.events.findMissing(account, [{ id: first.id }, lost, { idempotencyKey: 'm_1' }])).toEqual([
      lost,
    ]);
    const listed = await posthorn.events.list(account, { limit: 1 }).take(9);
    expect(listed.map(({ id }) => id)).toEqual([batch[1]?.id, batch[0]?.id, first.id]);
    const unknown = new Posthorn({ url: stack.apiUrl, apiKey: stack.operatorKey }).publish(account, {
      event: 'nobody:knows',
      payload: {},
    });
    await expect(unknown).rejects.toMatchObject({ code: 'unknown_event_type', errors: [{ path: 'event' }] });
  });

  it('event types', async () => {
    expect(await posthorn.eventTypes.put('sdk:tested', { description: 'A test', example: { id: 1 } })).toMatchObject({
      name: 'sdk:tested',
    });
    expect(await posthorn.eventTypes.get('sdk:tested')).toMatchObject({ example: { id: 1 }, deprecated: false });
    expect((await posthorn.eventTypes.list().take(99)).map(({ name }) => name)).toContain('sdk:tested');
    await posthorn.eventTypes.put('sdk:tested', { schema: { required: ['id'] }, enforcement: 'reject' });
    expect(await posthorn.eventTypes.listSchemas('sdk:tested').take(9)).toMatchObject([{ version: 1 }]);
    const untyped = new Posthorn({ url: stack.apiUrl, apiKey: stack.operatorKey });
    await expect(untyped.publish(await newAccount(), { event: 'sdk:tested', payload: {} })).rejects.toMatchObject({
      code: 'schema_mismatch',
      errors: [{ path: 'payload.id' }],
    });
    const openapi = { openapi: '3.1.0', webhooks: { 'sdk:imported': { post: {} } } };
    expect(await posthorn.eventTypes.import(openapi, { dryRun: true })).toMatchObject({ created: ['sdk:imported'] });
    await posthorn.eventTypes.delete('sdk:tested');
    await expect(posthorn.eventTypes.get('sdk:tested')).rejects.toBeInstanceOf(ApiProblem);
  });

  it('subscriptions through all their states', async () => {
    const account = await newAccount();
    const id = await subscribe(account);
    const { subscriptions } = posthorn;
    expect(await subscriptions.list(account, { status: 'active' }).take(9)).toMatchObject([{ id }]);
    expect((await subscriptions.search({ q: id }).take(1))[0]?.id).toBe(id);
    expect(await subscriptions.change(account, id, { events: ['message:*'] })).toMatchObject({
      events: ['message:*'],
      authenticationDropped: false,
      headersDropped: [],
    });
    expect(await subscriptions.pause(account, id)).toMatchObject({ status: 'paused' });
    expect(await subscriptions.resume(account, id)).toMatchObject({ status: 'active' });
    expect(await subscriptions.disable(account, id, { deliveries: 'hold' })).toMatchObject({
      status: 'disabled',
      holdsWhenDisabled: true,
    });
    expect(await subscriptions.disable(account, id)).toMatchObject({ status: 'disabled' });
    await subscriptions.resume(account, id);
    expect(await subscriptions.verify(account, id)).toMatchObject({ id });
    const { secret } = await subscriptions.getSecret(account, id);
    const rotated = await subscriptions.rotateSecret(account, id, { overlapSeconds: 3_600 });
    expect(rotated.previous[0]?.secret).toBe(secret);
    expect((await subscriptions.rotateSecret(account, id)).previous).toHaveLength(2);
    const test = await subscriptions.test(account, id, {
      event: 'message:created',
      payload: { id: 'm_t', body: 'test' },
    });
    expect(test.deliveryId).toMatch(/^dlv_/);
    expect((await subscriptions.test(account, id)).eventId).toMatch(/^evt_/);
    await subscriptions.delete(account, id);
    await expect(subscriptions.get(account, id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('deliveries: pages, counts, details, a retry, and following them', async () => {
    const account = await newAccount();
    const subscription = await subscribe(account);
    const followed: Followed[] = [];
    const controller = new AbortController();
    const following = (async () => {
      for await (const item of posthorn.deliveries.follow(account, { subscription, signal: controller.signal }))
        followed.push(item);
    })();
    // The stream starts with what happens after it is open.
    await waitFor(async () => {
      await posthorn.publish(account, MESSAGE);
      return followed.some(({ type }) => type === 'attempt');
    });
    const event = await posthorn.publish(account, MESSAGE);
    const delivery = await finished(account, event.id);
    await waitFor(() => followed.some((item) => item.type === 'attempt' && item.attempt.deliveryId === delivery.id));
    controller.abort();
    await following;

    expect(await posthorn.deliveries.count(account, { event: event.id })).toEqual({ count: 1, more: false });
    expect(await posthorn.deliveries.get(account, delivery.id)).toMatchObject({
      attempts: [{ number: 1, outcome: 'ok' }],
    });
    await posthorn.deliveries.retry(account, delivery.id);
    await waitFor(async () => (await posthorn.deliveries.get(account, delivery.id)).attempts.length === 2);
    await waitFor(async () => (await posthorn.deliveries.count(account, { status: 'pending' })).count === 0);
    const all = await posthorn.deliveries.list(account, { limit: 1, status: ['succeeded'] }).take(100_000);
    expect(all.length).toBe((await posthorn.deliveries.count(account, { status: 'succeeded' })).count);
  });

  it('replays: previews, starts, lists and cancels', async () => {
    const account = await newAccount();
    const { id: event } = await posthorn.publish(account, MESSAGE);
    await subscribe(account);
    const missed = { which: 'missed', event } as const;
    expect(await posthorn.replays.preview(account, missed)).toMatchObject({ id: null, status: 'dry_run', matched: 1 });
    const replay = await posthorn.replays.start(account, missed);
    await finished(account, event);
    await waitFor(async () => (await posthorn.replays.get(account, replay.id)).status !== 'running');
    expect(await posthorn.replays.get(account, replay.id)).toMatchObject({ which: 'missed', queued: 1 });
    expect(await posthorn.replays.list(account).take(9)).toMatchObject([{ id: replay.id }]);
    expect((await posthorn.replays.cancel(account, replay.id)).id).toBe(replay.id);

    const all = {
      which: 'missed' as const,
      since: new Date(Date.now() - 3_600_000).toISOString(),
      accounts: [account],
    };
    expect(await posthorn.replays.previewForAccounts(all)).toMatchObject({ status: 'dry_run' });
    const wide = await posthorn.replays.startForAccounts(all);
    expect((await posthorn.replays.getAny(wide.id)).id).toBe(wide.id);
    expect((await posthorn.replays.listAll({ account }).take(9)).map(({ id }) => id)).toContain(replay.id);
    expect(await posthorn.replays.listAccounts(wide.id).page()).toMatchObject({ data: expect.any(Array) });
    expect((await posthorn.replays.cancelAny(wide.id)).id).toBe(wide.id);
  });

  it('portal links', async () => {
    const account = await newAccount();
    const link = await posthorn.portals.createLink(account, { ttlSeconds: 60, path: '/deliveries' });
    expect(link.url).toContain(`/portal/accounts/${account}/deliveries#token=`);
    await posthorn.portals.endAll(account);
    const opening = posthorn.routes.POST('/v1/portal-session', { body: { token: link.token } });
    await expect(opening).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('any other route, by its path', async () => {
    const account = await newAccount();
    const { data } = await posthorn.routes.GET('/v1/accounts/{account}/stats', { params: { path: { account } } });
    expect(data.totals.attempts.total).toBe(0);
    const path = '/v1/accounts/{account}/deliveries/export';
    const { response } = await posthorn.routes.GET(path, { params: { path: { account }, query: { format: 'csv' } } });
    expect(await response.text()).toMatch(/^id,/);
  });
});

it('is generated from the document that the API serves', async () => {
  const served = await fetch(`${stack.apiUrl}/openapi.json`);
  expect(await served.json()).toEqual(document);
});

it('has a method for every operation, except those that consoles and monitoring need', () => {
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  const methods = [
    'accounts',
    'keys',
    'events',
    'eventTypes',
    'subscriptions',
    'deliveries',
    'replays',
    'portals',
  ] as const;
  const known = new Set<string>(
    methods.flatMap((group) => Object.keys(posthorn[group]).map((name) => `${group}.${name}`)),
  );
  known.add('portals.create').add('stream.ofAccount').add('stream.ofAll').add('stream.ofEvents'); // createLink, follow
  expect(ids.filter((id) => !known.has(id)).toSorted()).toEqual(BY_PATH_ONLY.toSorted());
});

// `posthorn.routes` reaches them.
const BY_PATH_ONLY = [
  'health.live',
  'health.ready',
  'health.metrics',
  'session.create',
  'session.get',
  'session.end',
  'sessions.list',
  'sessions.endAll',
  'sessions.end',
  'signInLinks.create',
  'signInLinks.open',
  'boardLinks.create',
  'portals.open',
  'attention.list',
  'attention.listOfAccount',
  'audit.list',
  'audit.listOfAccount',
  'audit.export',
  'audit.exportOfAccount',
  'deliveries.export',
  'events.export',
  'exportLinks.create',
  'exportLinks.createForEvents',
  'exportLinks.get',
  'exportLinks.open',
  'waiting.get',
  'queues.get',
  'queues.listDepths',
  'settings.get',
  'stats.get',
  'stats.getAll',
  'lookup.get',
  'emailRecipients.list',
  'emailRecipients.add',
  'emailRecipients.remove',
  'papercups.list',
  'papercups.create',
  'papercups.get',
  'papercups.put',
  'papercups.patch',
  'papercups.delete',
  'papercups.verify',
];

/** Each framework's server with the helper. Returns its URL and a function that stops it. */
const FRAMEWORKS: Record<string, (options: WebhookOptions<Events>) => Promise<{ url: string; close: () => unknown }>> =
  {
    async Fastify(options) {
      const app = Fastify();
      await app.register(inFastify<Events>({ path: '/webhook', ...options }));
      app.post('/other', async ({ body }) => body); // its body is still parsed
      const url = await app.listen({ host: '127.0.0.1', port: 0 });
      return { url: `${url}/webhook`, close: () => app.close() };
    },
    async Express(options) {
      const app = express();
      app.post('/webhook', inExpress<Events>(options));
      app.use(express.json());
      return listening(createServer(app));
    },
    async 'Express after express.raw()'(options) {
      const app = express();
      app.use(express.raw({ type: 'application/json' }));
      app.post('/webhook', inExpress<Events>(options));
      return listening(createServer(app));
    },
    'Node’s own server': (options) =>
      listening(createServer((request, response) => void inExpress<Events>(options)(request, response))),
    async Hono(options) {
      const app = new Hono();
      app.post('/webhook', inHono<Events>(options));
      return listening(serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server);
    },
    async 'Next, and others with Request and Response'(options) {
      const route = { POST: inNext<Events>(options) };
      return listening(serve({ fetch: (request) => route.POST(request), hostname: '127.0.0.1', port: 0 }) as Server);
    },
  };

async function listening(server: Server) {
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

describe.each(Object.entries(FRAMEWORKS))('handleWebhook in %s', (_name, start) => {
  it('passes the handshake without a secret, hands over signed events, refuses others and large bodies, and fails when the handler does', async () => {
    const account = await newAccount();
    const received: string[] = [];
    let secret: string | undefined;
    const { url, close } = await start({
      secret: () => secret,
      on: {
        'message:created': ({ id, payload }) => {
          if (payload.id === 'm_bad') throw new Error('the handler failed');
          received.push(`${id} ${payload.body}`);
        },
      },
    });
    try {
      const subscription = await subscribe(account, url);
      secret = (await posthorn.subscriptions.getSecret(account, subscription)).secret;
      const event = await posthorn.publish(account, MESSAGE);
      expect((await finished(account, event.id)).lastAttempt).toMatchObject({ outcome: 'ok', statusCode: 204 });
      expect(received).toEqual([`${event.id} Grüße, 世界`]);

      const forged = await fetch(url, {
        method: 'POST',
        body: JSON.stringify(MESSAGE),
        headers: { 'content-type': 'application/json' },
      });
      expect([forged.status, await forged.text()]).toEqual([401, expect.stringMatching(/missing/)]);
      expect(await (await fetch(url, { method: 'POST' })).text()).toMatch(/missing/);

      const large = Buffer.alloc(1_100_000, 'x');
      for (const body of [large, new Blob([large]).stream()]) {
        const init = { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'application/json' } };
        expect((await fetch(url, init as RequestInit)).status).toBe(413);
      }

      const bad = await posthorn.publish(account, { event: 'message:created', payload: { id: 'm_bad', body: '' } });
      const [delivery] = await waitFor(async () => {
        const found = await posthorn.deliveries.list(account, { event: bad.id }).take(1);
        return found[0]?.lastAttempt && found;
      });
      expect(delivery).toMatchObject({ status: 'pending', lastAttempt: { outcome: 'http_error', statusCode: 500 } });
      expect(received).toHaveLength(1);
    } finally {
      await close();
    }
  });
});

it('Express: says how to fix that a parser has read the body', async () => {
  const app = express();
  const errors: string[] = [];
  app.use(express.json());
  app.post('/webhook', inExpress({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', on: {} }));
  app.use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    errors.push(error.message);
    response.sendStatus(500);
  });
  const { url, close } = await listening(createServer(app));
  const response = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  await close();
  expect([response.status, errors]).toEqual([
    500,
    [expect.stringMatching(/register handleWebhook before express.json\(\)/)],
  ]);
});
