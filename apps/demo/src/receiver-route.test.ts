import { request } from 'node:http';
import { waitFor } from '@posthorn/testing';
import Fastify, { type FastifyInstance } from 'fastify';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import type { AnswerMode } from './receiver.js';
import { openReceiverLog } from './receiver-log.js';
import { addReceiver } from './receiver-route.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const EVENT = '{"event":"message:created","payload":{}}';

const apps: FastifyInstance[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function openReceiver({
  mode = 'normal',
  refresh,
}: { mode?: AnswerMode; refresh?: () => Promise<string[]> } = {}) {
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
  const receiverLog = openReceiverLog(({ number, state }) => changes.push(`${number} ${state}`));
  const app = Fastify();
  apps.push(app);
  addReceiver(app, { keyring, receiverLog, mode: () => mode });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const post = (body: string, id = 'evt_1') =>
    fetch(`${url}/webhook`, { method: 'POST', body, headers: signed(body, id) });
  return { url, post, receiverLog, changes, refreshes: () => refreshes };
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
  const { post, receiverLog, changes } = await openReceiver();
  for (const id of ['evt_1', 'evt_2', 'evt_1']) expect((await post(EVENT, id)).status).toBe(200);
  expect(receiverLog.entries()).toMatchObject([
    {
      number: 3,
      webhookId: 'evt_1',
      attempt: 2,
      event: 'message:created',
      signature: 'valid',
      statusCode: 200,
      state: 'answered',
    },
    { number: 2, webhookId: 'evt_2', attempt: 1 },
    { number: 1, webhookId: 'evt_1', attempt: 1 },
  ]);
  expect(changes.slice(0, 2)).toEqual(['1 answering', '1 answered']);
});

test('echoes the verification, and reads an unknown secret from the API', async () => {
  const { post, refreshes } = await openReceiver({ refresh: async () => [SECRET] });
  const answer = await post('{"event":"webhook:verify","payload":"ABCDEFGH234567"}', 'ver_1');
  expect([answer.status, await answer.text(), refreshes()]).toEqual([200, 'ABCDEFGH234567', 1]);
});

test('returns 401 for a signature that matches no secret, and logs the reason', async () => {
  const { post, receiverLog } = await openReceiver({ refresh: async () => ['whsec_plJ3nmyCDGBKInavdOK15jsl'] });
  expect((await post(EVENT)).status).toBe(401);
  expect(receiverLog.entries()[0]).toMatchObject({
    signature: 'invalid',
    signatureReason: 'No matching signature found',
    statusCode: 401,
  });
});

test('returns 401 without a signature, without a request to the API', async () => {
  const { url, receiverLog, refreshes } = await openReceiver();
  const answer = await fetch(`${url}/webhook`, { method: 'POST', body: 'hello' });
  expect([answer.status, refreshes()]).toEqual([401, 0]);
  expect(receiverLog.entries()[0]).toMatchObject({ event: null, webhookId: null, signature: 'invalid' });
});

test('returns 401 if the secret cannot be read, so that Posthorn retries', async () => {
  const { post, receiverLog } = await openReceiver({ refresh: () => Promise.reject(new Error('away')) });
  expect((await post(EVENT)).status).toBe(401);
  expect(receiverLog.entries()[0]?.signatureReason).toContain('could not be read');
});

test('logs a sender that closes the connection before a slow response', async () => {
  const { url, receiverLog } = await openReceiver({ mode: 'slow20' });
  const sending = request(`${url}/webhook`, { method: 'POST', headers: signed(EVENT, 'evt_1') });
  sending.on('error', () => undefined);
  sending.end(EVENT);
  await waitFor(() => receiverLog.entries()[0]?.state === 'answering');
  sending.destroy();
  await waitFor(() => receiverLog.entries()[0]?.state === 'hung_up');
  expect(receiverLog.entries()[0]).toMatchObject({ statusCode: null });
});

test('a slow response does not delay the shutdown', async () => {
  const { post, receiverLog } = await openReceiver({ mode: 'slow20' });
  const answer = post(EVENT);
  await waitFor(() => receiverLog.entries()[0]?.state === 'answering');
  const [app] = apps.splice(0);
  await app?.close();
  expect((await answer).status).toBe(200);
});
