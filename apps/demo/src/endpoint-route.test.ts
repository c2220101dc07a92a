import { request } from 'node:http';
import { waitFor } from '@posthorn/testing';
import Fastify, { type FastifyInstance } from 'fastify';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import type { ResponseMode } from './endpoint.js';
import { openRequestLog } from './request-log.js';
import { addEndpoint } from './endpoint-route.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const EVENT = '{"event":"message:created","payload":{}}';

const apps: FastifyInstance[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function openEndpoint({
  mode = 'normal',
  refresh,
}: { mode?: ResponseMode; refresh?: () => Promise<string[]> } = {}) {
  let secrets = refresh ? [] : [SECRET];
  let refreshes = 0;
  const keyring = {
    secrets: () => secrets,
    refresh: async () => {
      refreshes += 1;
      secrets = (await refresh?.()) ?? secrets;
    },
  };
  const changes: string[] = [];
  const requestLog = openRequestLog(({ number, state }) => changes.push(`${number} ${state}`));
  const app = Fastify();
  apps.push(app);
  addEndpoint(app, { keyring, requestLog, mode: () => mode });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const post = (body: string, id = 'evt_1') =>
    fetch(`${url}/webhook`, { method: 'POST', body, headers: signed(body, id) });
  return { url, post, requestLog, changes, refreshes: () => refreshes };
}

function signed(body: string, id: string): Record<string, string> {
  const at = new Date();
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(SECRET).sign(id, at, body),
  };
}

test('logs each request with its attempt number and response', async () => {
  const { post, requestLog, changes } = await openEndpoint();
  for (const id of ['evt_1', 'evt_2', 'evt_1']) expect((await post(EVENT, id)).status).toBe(200);
  expect(requestLog.entries()).toMatchObject([
    {
      number: 3,
      webhookId: 'evt_1',
      attempt: 2,
      event: 'message:created',
      signature: 'valid',
      statusCode: 200,
      state: 'responded',
    },
    { number: 2, webhookId: 'evt_2', attempt: 1 },
    { number: 1, webhookId: 'evt_1', attempt: 1 },
  ]);
  expect(changes.slice(0, 2)).toEqual(['1 responding', '1 responded']);
});

test('echoes the verification, and reads an unknown secret from the API', async () => {
  const { post, refreshes } = await openEndpoint({ refresh: async () => [SECRET] });
  const response = await post('{"event":"webhook:verify","payload":"ABCDEFGH234567"}', 'ver_1');
  expect([response.status, await response.text(), refreshes()]).toEqual([200, 'ABCDEFGH234567', 1]);
});

test('returns 401 for a signature that matches no secret, and logs the reason', async () => {
  const { post, requestLog } = await openEndpoint({ refresh: async () => ['whsec_plJ3nmyCDGBKInavdOK15jsl'] });
  expect((await post(EVENT)).status).toBe(401);
  expect(requestLog.entries()[0]).toMatchObject({
    signature: 'invalid',
    signatureReason: expect.stringMatching(/^No signature matches/),
    statusCode: 401,
  });
});

test('returns 401 without a signature, without a request to the API', async () => {
  const { url, requestLog, refreshes } = await openEndpoint();
  const response = await fetch(`${url}/webhook`, { method: 'POST', body: 'hello' });
  expect([response.status, refreshes()]).toEqual([401, 0]);
  expect(requestLog.entries()[0]).toMatchObject({ event: null, webhookId: null, signature: 'invalid' });
});

test('returns 401 if the secret cannot be read, so that Posthorn retries', async () => {
  const { post, requestLog } = await openEndpoint({ refresh: () => Promise.reject(new Error('away')) });
  expect((await post(EVENT)).status).toBe(401);
  expect(requestLog.entries()[0]?.signatureReason).toContain('could not be read');
});

test('logs a sender that closes the connection before a slow response', async () => {
  const { url, requestLog } = await openEndpoint({ mode: 'slow20' });
  const sending = request(`${url}/webhook`, { method: 'POST', headers: signed(EVENT, 'evt_1') });
  sending.on('error', () => undefined);
  sending.end(EVENT);
  await waitFor(() => requestLog.entries()[0]?.state === 'responding');
  sending.destroy();
  await waitFor(() => requestLog.entries()[0]?.state === 'hung_up');
  expect(requestLog.entries()[0]).toMatchObject({ statusCode: null });
});

test('a slow response does not delay the shutdown', async () => {
  const { post, requestLog } = await openEndpoint({ mode: 'slow20' });
  const response = post(EVENT);
  await waitFor(() => requestLog.entries()[0]?.state === 'responding');
  const [app] = apps.splice(0);
  await app?.close();
  expect((await response).status).toBe(200);
});
