import { openConsumer, openProducer, type Producer, QUEUE_NAMES, type QueueConnection, toJobId } from '@posthorn/jobs';
import { signBoardTicket } from '@posthorn/lifecycle';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { buildApp } from './app.js';

const PASSWORD = 'a-horn-in-the-fog';
const OPERATOR_KEY = 'the-operator-key-of-this-test';
const log = pino({ level: 'silent' });
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };
const PAGE = { accept: 'text/html,*/*' };

const undo: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

async function connect(backend: 'redis' | 'postgres'): Promise<QueueConnection> {
  // A separate Redis database, since other test files pause and count the same queues.
  if (backend === 'redis') return { backend, url: `${String(inject('redisUrl'))}/11` };
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  undo.push(() => database.drop());
  return { backend, url: database.url };
}

async function openBoard(
  producer: Producer,
  changes: Partial<Parameters<typeof buildApp>[0]> = {},
): Promise<FastifyInstance> {
  const app = await buildApp({
    queues: producer.queues,
    checkQueue: () => producer.check(),
    isDraining: () => false,
    password: PASSWORD,
    operatorKey: OPERATOR_KEY,
    readOnly: true,
    apiUrl: 'http://127.0.0.1:3400',
    trustedProxies: [],
    version: '0.0.0',
    log,
    now: Date.now,
    ...changes,
  });
  undo.push(() => app.close());
  return app;
}

const logIn = (app: FastifyInstance, changes: InjectOptions & { password?: string; next?: string } = {}) => {
  const { password = PASSWORD, next = '/', ...options } = changes;
  return app.inject({
    method: 'POST',
    url: '/login',
    payload: new URLSearchParams({ password, next }).toString(),
    ...options,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...SAME_ORIGIN, ...options.headers },
  });
};

async function cookieOf(app: FastifyInstance): Promise<string> {
  const [cookie] = (await logIn(app)).cookies;
  return `${cookie?.name}=${cookie?.value}`;
}

const uuid = (digit: number) => `01890000-0000-7000-8000-00000000000${digit}`;
const deliveryId = (digit: number) => toJobId('deliver', { id: uuid(digit), attemptNumber: 1 }).slice(0, -2);

describe.for(inject('queueBackends'))('with the queue on %s', (backend) => {
  let connection: QueueConnection;
  let producer: Producer;
  let app: FastifyInstance;
  let cookie: string;

  beforeAll(async () => {
    connection = await connect(backend);
    producer = openProducer(connection, { log });
    undo.push(() => producer.close());
    for (const name of QUEUE_NAMES) await producer.queues[name][0].waitUntilReady();
    await producer.enqueue('deliver', [{ id: uuid(1), attemptNumber: 1 }]);
    await producer.enqueue('retry', [{ id: uuid(2), attemptNumber: 2, delayMs: 600_000 }]);
    await producer.enqueue('verify', [{ id: uuid(3), attemptNumber: 1 }]);
    app = await openBoard(producer);
    cookie = await cookieOf(app);
  });

  test('shows the jobs of deliver, retry and verify, each under its id', async () => {
    const response = await app.inject({
      url: '/api/queues?activeQueue=retry&status=delayed&page=1&jobsPerPage=10',
      headers: { cookie },
    });
    expect(response.statusCode).toBe(200);
    const { queues } = response.json<{ queues: ShownQueue[] }>();
    expect(
      queues.map(({ name, description, readOnlyMode }) => ({ name, described: description !== '', readOnlyMode })),
    ).toEqual(QUEUE_NAMES.map((name) => ({ name, described: true, readOnlyMode: true })));
    const [job] = queues.find(({ name }) => name === 'retry')?.jobs ?? [];
    expect(job?.id).toMatch(/^dlv_[0-9a-z]{26}-2$/);
    expect(job?.name).toBe(job?.id);
    expect(job?.data).toEqual({ deliveryId: job?.id.slice(0, -2), attemptNumber: 2 });
  });

  test('hides payloads, URLs and secrets, if a job ever holds them (X7)', async () => {
    const data = {
      deliveryId: 'dlv_01jd4q8y3ne9mav5w2xkq7rf0c',
      accountId: 'Acme-2',
      payload: { body: 'Hey there!' },
      url: 'https://hooks.example/?token=t',
      secret: 'whsec_c2VjcmV0',
    };
    await producer.queues.verify[0].add('verify', data, { jobId: 'odd-1', delay: 600_000 });
    const response = await app.inject({ url: '/api/queues/verify/odd-1', headers: { cookie } });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({
      job: { data: { deliveryId: data.deliveryId, accountId: 'Acme-2', payload: '(not shown)' } },
    });
    expect(response.body).not.toMatch(/Hey there|hooks\.example|whsec_/);
  });

  test('shows the deliveries of a job, the outcome of each after the job has ended, and no payload', async () => {
    await producer.enqueue(
      'retry',
      [uuid(4), uuid(5)].map((id) => ({ id, attemptNumber: 2, leasedUntil: 1_795_000_000_123_456 })),
    );
    const [waiting] = await producer.queues.retry[0].getWaiting();
    const show = async () => {
      const response = await app.inject({ url: `/api/queues/retry/${waiting?.id}`, headers: { cookie } });
      return response.json<{ job: { data: { deliveries: object }; returnValue: object | null } }>().job;
    };
    const attempts = Object.entries((await show()).data.deliveries);
    for (const attempt of attempts)
      expect(attempt).toEqual([expect.stringMatching(/^dlv_[0-9a-z]{26}-2$/), 1_795_000_000_123_456]);

    const value = { outcome: 'ok', statusCode: 200, accountId: 'Acme-2', payload: { body: 'Hey there!' } };
    const consumer = openConsumer(connection, {
      queue: 'retry',
      concurrency: 2,
      log,
      handle: () => Promise.resolve({ end: 'completed', value }),
    });
    undo.push(() => consumer.stop({ graceMs: 0 }));
    consumer.start();
    const { returnValue } = await waitFor(async () => {
      const job = await show();
      return job.returnValue !== null && job;
    });
    expect(returnValue).toEqual(Object.fromEntries(attempts.map(([id]) => [id, { ...value, payload: '(not shown)' }])));
    // A finished job of several deliveries is found, too.
    const found = await app.inject({ url: `/deliveries/${deliveryId(5)}?attempt=2`, headers: { cookie } });
    expect(found.headers.location).toBe(`/queue/retry/${waiting?.id}`);
  });

  test('links a job to its deliveries in the console, and finds the job of a delivery', async () => {
    const jobOf = async (path: string) => {
      const response = await app.inject({ url: `/api/queues/${path}`, headers: { cookie } });
      return response.json<{ job: { externalUrl?: { displayText: string; href: string } } }>().job;
    };
    const find = async (delivery: string, attempt: number | string = 2) => {
      const url = `/deliveries/${delivery}?attempt=${attempt}`;
      const { statusCode, headers } = await app.inject({ url, headers: { cookie } });
      return [statusCode, headers.location];
    };
    const [alone = '', first = '', second = '', missing = ''] = [2, 6, 7, 8].map(deliveryId);
    expect((await jobOf(`retry/${alone}-2`)).externalUrl).toEqual({
      displayText: 'Open the delivery',
      href: `http://127.0.0.1:3400/deliveries/${alone}`,
    });
    expect(await find(alone)).toEqual([302, `/queue/retry/${alone}-2`]);
    expect(await find(alone, 9)).toEqual([302, `/queue/retry/${alone}-2`]);

    // A job of several deliveries is found only once a worker has started it.
    const group = 'group-of-this-test';
    await producer.queues.deliver[0].add(
      'deliver',
      { deliveries: { [`${first}-2`]: null, [`${second}-2`]: null } },
      { jobId: group },
    );
    expect((await jobOf(`deliver/${group}`)).externalUrl).toEqual({
      displayText: 'Open the 2 deliveries',
      href: `http://127.0.0.1:3400/deliveries/${first},${second}`,
    });
    expect(await find(second)).toEqual([404, undefined]);
    const job = await producer.queues.deliver[0].getJob(group);
    await job?.remove();

    expect(await find(missing)).toEqual([404, undefined]);
    expect(await find('dlv_%2e%2e', 1)).toEqual([404, undefined]);
    expect(await find(alone, '1e9')).toEqual([404, undefined]);
    expect((await app.inject({ url: `/deliveries/${alone}?attempt=2`, headers: PAGE })).headers.location).toBe(
      `/login?next=${encodeURIComponent(`/deliveries/${alone}?attempt=2`)}`,
    );
    expect((await jobOf(`verify/${toJobId('verify', { id: uuid(3), attemptNumber: 1 })}`)).externalUrl).toBe(undefined);
  });

  test('refuses every change while read-only, and leaves the queue unchanged', async () => {
    const jobId = (await producer.queues.deliver[0].getWaiting())[0]?.id;
    const changes = [
      { method: 'PUT', url: '/api/queues/deliver/pause' },
      { method: 'PUT', url: '/api/queues/pause' },
      { method: 'PUT', url: '/api/queues/deliver/empty' },
      { method: 'PUT', url: '/api/queues/deliver/obliterate', payload: { force: true } },
      { method: 'PUT', url: `/api/queues/deliver/${jobId}/clean` },
      { method: 'POST', url: '/api/queues/deliver/add', payload: { name: 'x', data: {} } },
      { method: 'PATCH', url: `/api/queues/deliver/${jobId}/update-data`, payload: { data: {} } },
    ] as const;
    for (const change of changes) {
      const response = await app.inject({ ...change, headers: { cookie, ...SAME_ORIGIN } });
      expect([change.url, response.statusCode]).toEqual([change.url, 405]);
    }
    expect(await producer.queues.deliver[0].isPaused()).toBe(false);
    expect((await producer.queues.deliver[0].getWaiting()).map(({ id }) => id)).toEqual([jobId]);
  });

  test('allows changes with BOARD_READ_ONLY=false from its own page, but not from a foreign page', async () => {
    const writable = await openBoard(producer, { readOnly: false });
    const headers = { cookie: await cookieOf(writable) };
    const put = (url: string, more: Record<string, string>) =>
      writable.inject({ method: 'PUT', url, headers: { ...headers, ...more } });

    expect((await put('/api/queues/retry/pause', { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
    expect((await put('/api/queues/retry/pause', { origin: 'https://evil.example' })).statusCode).toBe(403);
    expect((await put('/api/queues/retry/pause', {})).statusCode).toBe(403);
    expect(await producer.queues.retry[0].isPaused()).toBe(false);

    expect((await put('/api/queues/retry/pause', SAME_ORIGIN)).statusCode).toBe(200);
    expect(await producer.queues.retry[0].isPaused()).toBe(true);
    expect((await put('/api/queues/retry/resume', SAME_ORIGIN)).statusCode).toBe(200);
    expect(await producer.queues.retry[0].isPaused()).toBe(false);
  });

  test('refuses to show statistics of the server behind the queue', async () => {
    expect((await app.inject({ url: '/api/redis/stats', headers: { cookie } })).statusCode).toBe(403);
  });

  test('/readyz and /livez need no login; /readyz is 200 if the queue responds', async () => {
    const ready = await app.inject('/readyz');
    expect(ready.statusCode).toBe(200);
    expect(ready.json()).toMatchObject({ status: 'ok', app: 'board', checks: { queue: { status: 'ok' } } });
    expect((await app.inject('/livez')).statusCode).toBe(200);
  });
});

type ShownQueue = {
  name: string;
  description: string;
  readOnlyMode: boolean;
  jobs: { id: string; name: string; data: unknown }[];
};

describe('login', () => {
  let producer: Producer;
  let app: FastifyInstance;
  beforeAll(async () => {
    const [backend = 'postgres'] = inject('queueBackends');
    producer = openProducer(await connect(backend), { log });
    undo.push(() => producer.close());
    app = await openBoard(producer);
  });

  const someFile = async () =>
    /(?<=src=")static\/js\/main[^"]+/.exec(
      (await app.inject({ url: '/', headers: { ...PAGE, cookie: await cookieOf(app) } })).body,
    )?.[0];

  test('redirects every page to the login, which returns to that page', async () => {
    for (const page of [
      '/',
      '/queue/deliver?status=failed',
      '/queue/deliver/dlv_1',
      '/job-schedulers',
      '/no-such-page',
    ]) {
      const response = await app.inject({ url: page, headers: PAGE });
      expect([page, response.statusCode, response.headers.location]).toEqual([
        page,
        302,
        `/login?next=${encodeURIComponent(page)}`,
      ]);
      expect(response.body).toBe('');
    }
  });

  test('returns 401 for static files and the API without a session, for any method', async () => {
    const file = await someFile();
    expect(file).toBeDefined();
    const requests = [
      { url: `/${file}` },
      { url: '/static/images/logo.svg' },
      { url: '/static/../static/images/logo.svg' },
      { url: '/api/queues' },
      { url: '/api/redis/stats' },
      { url: '/api/queues/deliver/1' },
      { method: 'PUT', url: '/api/queues/pause' },
      { method: 'POST', url: '/api/queues/deliver/add', payload: {} },
      { method: 'HEAD', url: '/' },
      { url: '/', headers: { accept: 'application/json' } },
      { url: '/no-such-page' },
    ] as const;
    for (const request of requests) {
      const response = await app.inject(request);
      expect([request.url, response.statusCode]).toEqual([request.url, 401]);
    }
  });

  test('refuses a cookie that was altered, made up or signed by another process', async () => {
    const cookie = await cookieOf(app);
    const foreign = await cookieOf(await openBoard(producer));
    const altered = cookie.replace(/=./, (start) => (start === '=A' ? '=B' : '=A'));
    for (const wrong of [altered, foreign, 'posthorn_board=1', `${cookie}x`]) {
      expect((await app.inject({ url: '/api/queues', headers: { cookie: wrong } })).statusCode).toBe(401);
    }
    expect((await app.inject({ url: '/', headers: { cookie } })).statusCode).toBe(200);
  });

  test('the cookie is HttpOnly, SameSite=Strict, lasts 12 hours, and is Secure behind https', async () => {
    const [plain] = (await logIn(app)).cookies;
    expect(plain).toMatchObject({ path: '/', httpOnly: true, sameSite: 'Strict', maxAge: 12 * 60 * 60 });
    expect(plain).not.toHaveProperty('secure');
    const [secure] = (await logIn(app, { headers: { 'x-forwarded-proto': 'https' } })).cookies;
    expect(secure).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict' });
  });

  test('ends a session after 12 hours, on the server', async () => {
    const clock = { now: Date.now() };
    const timed = await openBoard(producer, { now: () => clock.now });
    const cookie = await cookieOf(timed);
    clock.now += 12 * 60 * 60 * 1000 - 1;
    expect((await timed.inject({ url: '/', headers: { cookie } })).statusCode).toBe(200);
    clock.now += 1;
    expect((await timed.inject({ url: '/', headers: { cookie } })).statusCode).toBe(401);
  });

  test('ends the session at logout, so that a copy of the cookie is useless', async () => {
    const cookie = await cookieOf(app);
    expect((await app.inject({ url: '/logout', headers: { cookie } })).statusCode).toBe(200);
    expect((await app.inject({ url: '/', headers: { cookie } })).statusCode).toBe(200);
    const foreign = await app.inject({
      method: 'POST',
      url: '/logout',
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
    });
    expect(foreign.statusCode).toBe(403);
    expect((await app.inject({ url: '/', headers: { cookie } })).statusCode).toBe(200);

    const out = await app.inject({ method: 'POST', url: '/logout', headers: { cookie, ...SAME_ORIGIN } });
    expect([out.statusCode, out.headers.location]).toEqual([303, '/login']);
    expect((await app.inject({ url: '/', headers: { cookie } })).statusCode).toBe(401);
  });

  test('returns to the page that required the login, and never to another site', async () => {
    expect((await logIn(app, { next: '/queue/deliver?status=failed' })).headers.location).toBe(
      '/queue/deliver?status=failed',
    );
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/a\r\nx: y', '/logout']) {
      expect([next, (await logIn(app, { next })).headers.location]).toEqual([next, '/']);
    }
  });

  test('escapes the `next` parameter in the login page', async () => {
    const response = await app.inject('/login?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E');
    expect(response.body).not.toContain('<script>alert');
    expect(response.body).toContain('&#34;&#62;&#60;script&#62;alert(1)');
  });

  test('returns 401 for a wrong password, and 403 for a form of another site', async () => {
    expect((await logIn(app, { password: 'wrong' })).statusCode).toBe(401);
    const foreign = await logIn(app, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect([foreign.statusCode, foreign.cookies]).toEqual([403, []]);
  });

  test('returns 429 after ten wrong passwords within a minute, but never refuses the right one', async () => {
    const clock = { now: Date.now() };
    const timed = await openBoard(producer, { now: () => clock.now });
    for (let attempts = 0; attempts < 10; attempts += 1)
      expect((await logIn(timed, { password: 'wrong' })).statusCode).toBe(401);
    const wrong = (options: InjectOptions = {}) => logIn(timed, { password: 'wrong', ...options });
    const response = await wrong();
    expect([response.statusCode, response.headers['retry-after'], response.cookies]).toEqual([429, '60', []]);
    expect((await wrong({ remoteAddress: '192.0.2.7' })).statusCode).toBe(401);
    expect((await logIn(timed)).statusCode).toBe(303);
  });

  const openTicket = (board: FastifyInstance, ticket: string, headers: Record<string, string> = {}) =>
    board.inject({
      method: 'POST',
      url: '/login/ticket',
      payload: new URLSearchParams({ ticket, next: '/queue/retry' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...SAME_ORIGIN, ...headers },
    });

  test('a ticket of the API signs in once', async () => {
    const { ticket } = signBoardTicket({ operatorKey: OPERATOR_KEY, now: Date.now() });
    const response = await openTicket(app, ticket);
    expect([response.statusCode, response.headers.location]).toEqual([303, '/queue/retry']);
    const [cookie] = response.cookies;
    const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
    expect((await app.inject({ url: '/api/queues', headers })).statusCode).toBe(200);
    const again = await openTicket(app, ticket);
    expect([again.statusCode, again.cookies]).toEqual([401, []]);
    expect(again.body).toContain('This link has expired or was already used.');
  });

  test('refuses a ticket from another origin without using it up, one of another key, and every one without an operator key', async () => {
    const { ticket } = signBoardTicket({ operatorKey: OPERATOR_KEY, now: Date.now() });
    expect((await openTicket(app, ticket, { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
    const foreign = signBoardTicket({ operatorKey: 'another-operator-key', now: Date.now() }).ticket;
    expect((await openTicket(app, foreign)).statusCode).toBe(401);
    const withoutKey = await openBoard(producer, { operatorKey: null });
    expect((await openTicket(withoutKey, ticket)).statusCode).toBe(401);
    expect((await openTicket(app, ticket)).statusCode).toBe(303);
  });

  test('offers sign-in through the console if the board can check its tickets', async () => {
    expect((await app.inject('/login')).body).toContain('href="http://127.0.0.1:3400/board"');
    const withoutKey = await openBoard(producer, { operatorKey: null });
    expect((await withoutKey.inject('/login')).body).not.toContain('/board"');
  });

  test('returns 401 for a wrong password again a minute later', async () => {
    const clock = { now: Date.now() };
    const timed = await openBoard(producer, { now: () => clock.now });
    for (let attempts = 0; attempts < 11; attempts += 1) await logIn(timed, { password: 'wrong' });
    clock.now += 60_001;
    expect((await logIn(timed, { password: 'wrong' })).statusCode).toBe(401);
  });

  test('counts failures by the address of the client behind a trusted proxy, without its port', async () => {
    const behind = await openBoard(producer, { trustedProxies: ['127.0.0.1'] });
    const from = async (forwarded: string) =>
      (await logIn(behind, { password: 'wrong', headers: { 'x-forwarded-for': forwarded } })).statusCode;
    for (let attempts = 0; attempts < 10; attempts += 1) expect(await from(`203.0.113.9:${attempts + 1}`)).toBe(401);
    expect([await from('203.0.113.9'), await from('203.0.113.10')]).toEqual([429, 401]);
  });

  test('forbids framing, sniffing and foreign content in every response; only static files may be stored', async () => {
    const cookie = await cookieOf(app);
    const file = await someFile();
    for (const url of ['/', '/api/queues', `/${file}`, '/login', '/logout', '/no-such-page', '/readyz']) {
      const { headers } = await app.inject({ url, headers: { cookie } });
      expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['cache-control'] === 'no-store').toBe(url !== `/${file}`);
    }
  });

  test('loads nothing from other servers', async () => {
    const { body } = await app.inject({ url: '/', headers: { ...PAGE, cookie: await cookieOf(app) } });
    expect(body).toContain('Posthorn queues');
    expect(body).not.toMatch(/<(?:link|script|img)\b[^>]*\b(?:href|src)="(?:https?:)?\/\//);
  });

  test('returns 503 within its time limit while the queue is away', async () => {
    const nowhere = openProducer({ backend: 'redis', url: 'redis://127.0.0.1:1' }, { log });
    undo.push(() => nowhere.close());
    const board = await openBoard(nowhere);
    const response = await board.inject({ url: '/api/queues', headers: { cookie: await cookieOf(board) } });
    expect(response.statusCode).toBe(503);
    expect((await board.inject('/readyz')).statusCode).toBe(503);
    expect((await board.inject('/livez')).statusCode).toBe(200);
  });

  test('/readyz checks the queue at most once per second', async () => {
    let checks = 0;
    const checkQueue = async () => ((checks += 1), { status: 'ok' as const, latencyMs: 1 });
    const clock = { now: 0 };
    const board = await openBoard(producer, { checkQueue, now: () => clock.now });
    await Promise.all(Array.from({ length: 20 }, () => board.inject('/readyz')));
    expect(checks).toBe(1);
    clock.now = 1_000;
    await board.inject('/readyz');
    expect(checks).toBe(2);
  });

  test('/readyz returns 503 while draining and while the queue is away; /livez stays 200', async () => {
    const draining = await openBoard(producer, { isDraining: () => true });
    const queueAway = await openBoard(producer, {
      checkQueue: async () => ({ status: 'fail', latencyMs: 3000, reason: 'it does not respond' }),
    });
    for (const board of [draining, queueAway]) {
      expect((await board.inject('/readyz')).statusCode).toBe(503);
      expect((await board.inject('/livez')).statusCode).toBe(200);
    }
  });
});
