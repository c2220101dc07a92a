import { once } from 'node:events';
import { get } from 'node:http';
import { Posthorn } from '@posthorn/client';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { buildApp } from './app.js';
import { openChat } from './chat.js';
import { openKeyring } from './keyring.js';

// Nothing listens on port 1, so these tests show the demo while Posthorn's API is away.
const posthorn = new Posthorn({ url: 'http://127.0.0.1:1', apiKey: 'kR7wQz3XvB9mLp2TnY5cHd8sFg', maxAttempts: 1 });
const endpointUrl = () => 'http://127.0.0.1:3402/webhook';
const { app, setProgress } = buildApp({
  posthorn,
  apiUrl: 'http://127.0.0.1:1',
  findBoardUrl: () => 'http://127.0.0.1:3401',
  account: 'demo',
  keyring: openKeyring(posthorn, endpointUrl),
  openChat: (onChange) =>
    openChat({
      participants: {
        accountId: 'a',
        inboxId: 'i',
        customer: { id: 'c', name: 'Joe', email: 'j', externalId: 'x', createdAt: new Date(0), updatedAt: new Date(0) },
        agent: { id: 1, displayName: 'Alex', email: 'a', createdAt: new Date(0) },
      },
      publish: (event) => posthorn.publish('demo', event),
      onChange,
    }),
  endpointUrl,
  log: pino({ level: 'silent' }),
});
afterAll(() => app.close());

const local = { host: '127.0.0.1:3402' };

test('/status.json returns whether the demo is ready, its first delivery and the current problem', async () => {
  expect((await app.inject({ url: '/status.json', headers: local })).json()).toEqual({
    ready: false,
    delivered: null,
    problem: null,
  });
  setProgress({ step: 'subscribing', problem: 'The demo cannot be delivered to.', delivered: null });
  expect((await app.inject({ url: '/status.json', headers: local })).json()).toMatchObject({
    ready: false,
    problem: 'The demo cannot be delivered to.',
  });
  const delivered = {
    event: 'message:created',
    deliveryId: 'dlv_1',
    eventId: 'evt_1',
    signature: 'valid',
    ms: 7.2,
  } as const;
  setProgress({ step: 'ready', problem: null, delivered });
  expect((await app.inject({ url: '/status.json', headers: local })).json()).toEqual({
    ready: true,
    delivered,
    problem: null,
  });
});

test('the page and its files have a content security policy that forbids other origins', async () => {
  for (const url of ['/', '/tokens.css', '/page.css', '/page.js', '/horn.svg']) {
    const response = await app.inject({ url, headers: local });
    expect([url, response.statusCode]).toEqual([url, 200]);
    expect(response.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    expect(response.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\/|<script>|\son\w+=|style="|@import|url\(/);
  }
});

test('keeps a message that cannot be published, with the reason; the deliveries return 502 with a message', async () => {
  const said = await app.inject({
    method: 'POST',
    url: '/chat/messages',
    headers: local,
    payload: { author: 'customer', text: 'Hello?' },
  });
  expect(said.json()).toMatchObject({
    handedOver: { state: 'failed', problem: 'The API at http://127.0.0.1:1 is not responding.' },
  });
  const deliveries = await app.inject({ url: '/deliveries.json', headers: local });
  expect([deliveries.statusCode, deliveries.json()]).toEqual([
    502,
    { problem: 'The API at http://127.0.0.1:1 is not responding.' },
  ]);
});

test.each([
  ['a foreign page', { ...local, origin: 'https://evil.example' }],
  ['the board’s port', { ...local, origin: 'http://127.0.0.1:3401' }],
])('returns 403 for requests from %s', async (_who, headers) => {
  expect((await app.inject({ method: 'POST', url: '/chat/close', headers })).statusCode).toBe(403);
});

test('on loopback, returns 403 for a foreign host name that resolves to 127.0.0.1', async () => {
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const statusFor = async (host: string) => {
    const [response] = await once(get(url, { headers: { host } }), 'response');
    response.resume();
    return response.statusCode;
  };
  expect(await statusFor('evil.example:3402')).toBe(403);
  expect(await statusFor(`localhost:${url.port}`)).toBe(200);
});

test('accepts requests from its own page', async () => {
  const headers = { ...local, origin: 'http://127.0.0.1:3402' };
  const response = await app.inject({ method: 'PUT', url: '/endpoint/mode', headers, payload: { mode: 'fail' } });
  expect([response.statusCode, response.json()]).toEqual([200, { mode: 'fail' }]);
});

test.each([{ mode: 'explode' }, {}])('returns 400 for an unknown response mode: %j', async (payload) => {
  expect((await app.inject({ method: 'PUT', url: '/endpoint/mode', headers: local, payload })).statusCode).toBe(400);
});
