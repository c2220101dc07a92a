import { MASK } from '@posthorn/contract';
import { makeCertificates } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { echo, openTestApi, REFUSED, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
beforeAll(async () => void (api = await openTestApi()));
beforeEach(async () => {
  api.respond(echo);
  api.jobs.length = 0;
  account = await api.account();
});
afterAll(() => api.close());

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const create = (body: object) => api.call('POST', `/v1/accounts/${account}/subscriptions`, { body });
const get = async (id: string) => (await api.call('GET', `/v1/accounts/${account}/subscriptions/${id}`)).json;
const change = (id: string, body: object) => api.call('PATCH', `/v1/accounts/${account}/subscriptions/${id}`, { body });
const act = (id: string, name: string, body?: object) =>
  api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/${name}`, body ? { body } : {});
const publish = () =>
  api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });
const deliveries = async () => (await api.call('GET', `/v1/accounts/${account}/deliveries`)).json.data;

describe('create', () => {
  it('returns 201 and an unverified subscription with a running verification and exactly the documented fields', async () => {
    const body = {
      url: 'https://hooks.example.com',
      events: ['message:*', 'conversation:created', 'message:*'],
      description: 'CRM',
      headers: { Authorization: 'Bearer header-secret', 'x-team': 'crm' },
      metadata: { owner: { id: 7 } },
    };
    const { status, json, text } = await create(body);
    expect(status).toBe(201);
    expect(json).toEqual({
      id: expect.stringMatching(/^sub_/),
      accountId: account,
      url: 'https://hooks.example.com/',
      pendingUrl: null,
      events: ['message:*', 'conversation:created'],
      description: 'CRM',
      headers: { Authorization: MASK, 'x-team': MASK },
      pendingHeaders: null,
      metadata: { owner: { id: 7 } },
      status: 'unverified',
      rateLimit: null,
      authentication: null,
      pendingAuthentication: null,
      certificateAuthorities: null,
      ordering: 'none',
      retrySchedule: null,
      timeoutMs: null,
      filter: null,
      holdsWhenDisabled: false,
      failingSince: null,
      lastOutage: null,
      circuit: { state: 'closed', until: null },
      statusReason: null,
      statusChangedAt: TIME,
      verification: {
        status: 'pending',
        reason: null,
        error: null,
        checkedAt: null,
        statusCode: null,
        durationMs: null,
        responseBody: null,
      },
      createdAt: TIME,
      updatedAt: TIME,
    });
    expect(text).not.toMatch(/whsec_|header-secret/);
    expect(api.jobs).toMatchObject([{ queue: 'verify', attemptNumber: 1 }]);
  });

  it('needs only a URL: all events, no headers, empty metadata', async () => {
    expect((await create({ url: 'https://hooks.example.com/a' })).json).toMatchObject({
      events: [],
      headers: {},
      metadata: {},
      description: null,
    });
  });

  it('the same URL twice is allowed', async () => {
    const url = 'https://hooks.example.com/twice';
    expect([(await create({ url })).status, (await create({ url })).status]).toEqual([201, 201]);
  });

  it('a pattern may match no type of the catalogue yet', async () => {
    expect((await create({ url: 'https://hooks.example.com/', events: ['order:*'] })).status).toBe(201);
  });

  it('returns 409 quota_reached when the account has reached its limit; deleting one frees a place (S5)', async () => {
    api.deps.maxSubscriptionsPerAccount = 1;
    try {
      const first = await create({ url: 'https://hooks.example.com/' });
      const response = await create({ url: 'https://hooks.example.com/' });
      expect([response.status, response.json.code]).toEqual([409, 'quota_reached']);
      expect(response.json.detail).toContain('MAX_SUBSCRIPTIONS_PER_ACCOUNT');
      await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${first.json.id}`);
      expect((await create({ url: 'https://hooks.example.com/' })).status).toBe(201);
    } finally {
      api.deps.maxSubscriptionsPerAccount = 1_000;
    }
  });

  it('returns 429 with Retry-After when an account verifies too many URLs within a minute', async () => {
    const first = await create({ url: 'https://hooks.example.com/' });
    let response = first;
    for (let created = 1; created <= 100 && response.status === 201; created += 1)
      response = await create({ url: 'https://hooks.example.com/' });
    expect([response.status, response.json.code]).toEqual([429, 'rate_limited']);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect((await act(first.json.id, 'verify')).status).toBe(429);
    expect((await change(first.json.id, { url: 'https://hooks.example.com/new' })).status).toBe(429);
    expect((await get(first.json.id)).url).toBe('https://hooks.example.com/');
  });
});

describe('retry policy', () => {
  const url = 'https://hooks.example.com/webhook';

  it('is stored with a new subscription and changed; null restores the default', async () => {
    const { json } = await create({ url, retrySchedule: [10, 60], timeoutMs: 5_000 });
    expect(json).toMatchObject({ retrySchedule: [10, 60], timeoutMs: 5_000 });
    expect((await change(json.id, { retrySchedule: [] })).json).toMatchObject({ retrySchedule: [], timeoutMs: 5_000 });
    expect((await change(json.id, { description: 'CRM' })).json).toMatchObject({ retrySchedule: [], timeoutMs: 5_000 });
    const cleared = await change(json.id, { retrySchedule: null, timeoutMs: null });
    expect(cleared.json).toMatchObject({ retrySchedule: null, timeoutMs: null });
    expect(await get(json.id)).toMatchObject({ retrySchedule: null, timeoutMs: null });
  });

  it('decides the timeout of the handshake and of attempts, the retries and the shown number of attempts', async () => {
    await api.activeSubscription(account, { timeoutMs: 700, retrySchedule: [30] });
    expect(api.posts.at(-1)).toMatchObject({ timeoutMs: 700 });
    api.respond(() => REFUSED);
    await publish();
    await api.work();
    expect(api.posts.at(-1)).toMatchObject({ timeoutMs: 700 });
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({ status: 'pending', attemptCount: 1, maxAttempts: 2 });
    const waitMs = Date.parse(delivery.nextAttemptAt) - Date.parse(delivery.lastAttempt.at);
    expect(waitMs).toBeGreaterThanOrEqual(30_000);
  });

  it.each([
    [{ retrySchedule: Array(20).fill(1) }, 'retrySchedule', 'at most 19 waits, for 20 attempts, the operator'],
    [{ retrySchedule: [5, 604_800] }, 'retrySchedule', 'at most 604800 s, the operator'],
    [{ retrySchedule: [5, 0] }, 'retrySchedule[1]', 'at least 1 s, the operator'],
    [{ retrySchedule: [1.5] }, 'retrySchedule[0]', 'must be a whole number of seconds'],
    [{ retrySchedule: [-1] }, 'retrySchedule[0]', 'must be at least 0'],
    [{ retrySchedule: [604_801] }, 'retrySchedule[0]', 'must be at most 604800 seconds'],
    [{ retrySchedule: Array(101).fill(1) }, 'retrySchedule', 'must have at most 100 waits'],
    [{ retrySchedule: '10,60' }, 'retrySchedule', 'array'],
    [{ timeoutMs: 30_001 }, 'timeoutMs', 'at most 30000, the operator'],
    [{ timeoutMs: 120_001 }, 'timeoutMs', 'must be at most 120000'],
    [{ timeoutMs: 99 }, 'timeoutMs', 'must be at least 100'],
    [{ timeoutMs: 100.5 }, 'timeoutMs', 'must be a whole number of milliseconds'],
  ])('refuses %j and names the field and the limit; nothing changes', async (body, path, message) => {
    const id = await api.activeSubscription(account, { retrySchedule: [9], timeoutMs: 900 });
    for (const refused of [await create({ url, ...body }), await change(id, body)]) {
      expect([refused.status, refused.json.errors]).toEqual([
        422,
        [{ path, message: expect.stringContaining(message) }],
      ]);
    }
    expect(await get(id)).toMatchObject({ retrySchedule: [9], timeoutMs: 900 });
  });

  it('names both fields if both are outside the limits', async () => {
    const { json } = await create({ url, retrySchedule: [0], timeoutMs: 40_000 });
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual(['retrySchedule[0]', 'timeoutMs']);
  });
});

describe('authentication', () => {
  const url = 'https://hooks.example.com/webhook';
  const { key, authority, valid, expired } = makeCertificates();
  const oauth2 = {
    type: 'oauth2',
    tokenUrl: 'https://login.example.com/oauth2/token',
    clientId: 'posthorn',
    clientSecret: 'hush-client-secret',
  };
  const certificate = { type: 'clientCertificate', certificate: valid, privateKey: key };
  const shownOauth2 = {
    ...oauth2,
    clientSecret: MASK,
    clientAuthentication: 'client_secret_basic',
    scope: null,
    audience: null,
  };

  it('is stored and changed, used for the handshake, and never shows a secret', async () => {
    const { status, json, text } = await create({ url, authentication: oauth2 });
    expect([status, json.authentication, json.pendingAuthentication]).toEqual([201, shownOauth2, null]);
    expect(text).not.toContain('hush');
    await api.work();
    expect(api.posts.at(-1)?.access).toMatchObject({ authentication: { clientSecret: 'hush-client-secret' } });

    const changed = await change(json.id, { authentication: { ...shownOauth2, scope: 'webhooks' } });
    expect(changed.json.authentication).toEqual({ ...shownOauth2, scope: 'webhooks' });
    const replaced = await change(json.id, { authentication: certificate });
    expect(replaced.json.authentication).toEqual({
      type: 'clientCertificate',
      subject: 'CN=localhost',
      issuer: 'CN=authority',
      notAfter: TIME,
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
    expect(replaced.text).not.toContain('PRIVATE KEY');
    expect((await change(json.id, { authentication: null })).json.authentication).toBeNull();
  });

  it('regression: stays with the origin it was entered for; the response and the audit log say so', async () => {
    const id = await api.activeSubscription(account, { url, authentication: oauth2 });
    const { json } = await change(id, { url: 'https://other.example.com/' });
    expect(json).toMatchObject({
      authentication: shownOauth2,
      pendingAuthentication: null,
      authenticationDropped: true,
    });
    const { json: audit } = await api.call('GET', `/v1/accounts/${account}/audit?action=subscriptions.change&limit=1`);
    expect(audit.data[0].changes).toMatchObject({ authenticationDropped: { to: true } });
    await change(id, { url, authentication: certificate, certificateAuthorities: authority });
    const { json: next } = await api.call('GET', `/v1/accounts/${account}/audit?action=subscriptions.change&limit=1`);
    expect(next.data[0].changes).toMatchObject({
      authentication: { changed: true },
      certificateAuthorities: { changed: true },
    });
    expect(JSON.stringify([audit, next])).not.toMatch(/hush|BEGIN/);
  });

  it('certificate authorities are stored, shown and removed', async () => {
    const { json } = await create({ url, certificateAuthorities: authority });
    expect(json.certificateAuthorities).toBe(authority);
    expect((await change(json.id, { certificateAuthorities: null })).json.certificateAuthorities).toBeNull();
  });

  it.each([
    [
      { authentication: { ...oauth2, tokenUrl: 'http://127.0.0.1/token' } },
      'authentication.tokenUrl',
      'is not allowed',
    ],
    [{ authentication: { ...oauth2, tokenUrl: 'token' } }, 'authentication.tokenUrl', 'is not allowed'],
    [{ authentication: { ...oauth2, clientSecret: '' } }, 'authentication.clientSecret', ''],
    [{ authentication: { ...oauth2, clientAuthentication: 'none' } }, 'authentication.clientAuthentication', ''],
    [{ authentication: { type: 'basic' } }, 'authentication.type', ''],
    [{ authentication: { ...certificate, privateKey: MASK } }, 'authentication.privateKey', 'is masked, but no value'],
    [
      { authentication: { ...certificate, certificate: expired } },
      'authentication.certificate',
      'expired on 2021-01-01',
    ],
    [{ authentication: { ...certificate, certificate: 'x' } }, 'authentication.certificate', 'contains no PEM'],
    [{ authentication: { ...certificate, privateKey: valid } }, 'authentication.privateKey', 'is not a private key'],
    [{ certificateAuthorities: 'x' }, 'certificateAuthorities', 'contains no PEM certificate'],
    [{ certificateAuthorities: expired }, 'certificateAuthorities', 'which expired on 2021-01-01'],
    [{ certificateAuthorities: 'x'.repeat(16_385) }, 'certificateAuthorities', 'at most 16384'],
  ])('refuses what cannot work and names the field; nothing changes: %#', async (body, path, message) => {
    const id = await api.activeSubscription(account, { authentication: oauth2 });
    for (const refused of [await create({ url, ...body }), await change(id, { url, ...body })]) {
      expect(refused.status).toBe(422);
      expect(refused.json.errors).toContainEqual({ path, message: expect.stringContaining(message) });
    }
    expect((await get(id)).authentication).toEqual(shownOauth2);
  });
});

describe('filter', () => {
  const url = 'https://hooks.example.com/webhook';
  const test = (body: object) => api.call('POST', `/v1/accounts/${account}/subscriptions/filter-test`, { body });
  const send = (payload: object, event = 'message:created') =>
    api.call('POST', `/v1/accounts/${account}/events`, { body: { event, payload } });

  it('is stored as it was entered, changed, and removed with null', async () => {
    const { json } = await create({ url, filter: ' $.n==1' });
    expect(json.filter).toBe(' $.n==1');
    expect((await change(json.id, { description: 'CRM' })).json.filter).toBe(' $.n==1');
    expect((await change(json.id, { filter: '$.n == 2' })).json.filter).toBe('$.n == 2');
    expect((await change(json.id, { filter: null })).json.filter).toBeNull();
  });

  it('decides which events create a delivery; a test event ignores it', async () => {
    const id = await api.activeSubscription(account, { filter: '$.conversation.status == "closed"' });
    expect((await send({ conversation: { status: 'open' } })).json.deliveries).toBe(0);
    expect((await send({ conversation: { status: 'closed' } })).json.deliveries).toBe(1);
    await act(id, 'test', { event: 'message:created' });
    expect(await deliveries()).toHaveLength(2);
  });

  it.each([
    ['$.status = "closed"', 'write == to compare'],
    ['$.a[*] == $.b[*]', 'compares two paths'],
    ['$.body like_regex "(a+)+$"', 'patterns are not allowed'],
    ['!($.a == 1) is unknown', 'is not accepted by Postgres: syntax error'],
    ['', ''],
    [`$.a == "${'x'.repeat(1_000)}"`, ''],
    ['$.a == "\0"', 'NUL'],
  ])('refuses %j with the field and the reason; nothing changes', async (filter, message) => {
    const id = await api.activeSubscription(account, { filter: '$.n == 1' });
    for (const refused of [await create({ url, filter }), await change(id, { filter }), await test({ filter })]) {
      expect([refused.status, refused.json.code]).toEqual([422, 'invalid_request']);
      expect(refused.json.errors[0]).toEqual({ path: 'filter', message: expect.stringContaining(message) });
    }
    expect((await get(id)).filter).toBe('$.n == 1');
  });

  it('the test says for each of the newest events whether it passes, and stores nothing', async () => {
    await send({ n: 1 });
    await send({ n: 'one' });
    await send({ n: 2, body: '\0' });
    await send({ n: 2 }, 'conversation:created');
    const before = await api.counts();
    const { status, json } = await test({ filter: '$.n == 2' });
    expect([status, json]).toEqual([
      200,
      {
        tested: 4,
        passed: 2,
        missingPaths: [],
        events: [
          { id: expect.stringMatching(/^evt_/), event: 'conversation:created', createdAt: TIME, outcome: 'matched' },
          { id: expect.stringMatching(/^evt_/), event: 'message:created', createdAt: TIME, outcome: 'matched' },
          { id: expect.stringMatching(/^evt_/), event: 'message:created', createdAt: TIME, outcome: 'unknown' },
          { id: expect.stringMatching(/^evt_/), event: 'message:created', createdAt: TIME, outcome: 'not_matched' },
        ],
      },
    ]);
    expect(await api.counts()).toEqual(before);
    expect((await test({ filter: '$.n == 2', events: ['message:*'] })).json).toMatchObject({ tested: 3, passed: 1 });
    expect((await test({ filter: '$.n == 2', limit: 1 })).json).toMatchObject({ tested: 1, passed: 1 });
  });

  it('the test names paths that no event has, and has none without events', async () => {
    const filter = '$.payload.n == 1 || $.n == 1';
    expect((await test({ filter })).json).toEqual({ tested: 0, passed: 0, missingPaths: [], events: [] });
    await send({ n: 1 });
    expect((await test({ filter })).json).toMatchObject({ tested: 1, passed: 1, missingPaths: ['$.payload.n'] });
  });

  it('the test reads a bounded part of the events', async () => {
    const body = 'x'.repeat(250_000);
    for (let n = 0; n < 20; n += 1) await send({ body });
    const { json } = await test({ filter: 'exists($.body)', limit: 100 });
    expect(json.tested).toBe(16); // 4 MiB
  });
});

describe('verify', () => {
  it('an echoed challenge makes it active, and the response is stored', async () => {
    const { json } = await create({ url: 'https://hooks.example.com/' });
    await api.work();
    expect(await get(json.id)).toMatchObject({
      status: 'active',
      verification: {
        status: 'verified',
        reason: null,
        statusCode: 200,
        checkedAt: TIME,
        durationMs: 3,
        responseBody: expect.stringMatching(/^[A-Z2-7]{64}$/),
      },
    });
  });

  it('a wrong response leaves it unverified, with the reason and the response', async () => {
    api.respond(() => ({ body: Buffer.from('{"ok":true}') }));
    const { json } = await create({ url: 'https://hooks.example.com/' });
    await api.work();
    expect(await get(json.id)).toMatchObject({
      status: 'unverified',
      verification: {
        status: 'failed',
        reason: 'mismatch',
        error: expect.stringContaining('Respond to the event webhook:verify with 200'),
        responseBody: '{"ok":true}',
      },
    });
  });

  it('a failed verification has the error of its attempt, not only the outcome (A3)', async () => {
    const error = 'The certificate of hooks.example.com has expired (CERT_HAS_EXPIRED). Renew it.';
    api.respond(() => ({ outcome: 'tls_error', statusCode: null, error }));
    const { json } = await create({ url: 'https://hooks.example.com/' });
    await api.work();
    expect((await get(json.id)).verification).toMatchObject({ reason: 'tls_error', error });
  });

  it('returns 202 and verifies again; the verification is pending until it ends', async () => {
    api.respond(() => REFUSED);
    const { json } = await create({ url: 'https://hooks.example.com/' });
    await api.work();
    api.respond(echo);
    const again = await act(json.id, 'verify');
    expect([again.status, again.json.verification.status]).toEqual([202, 'pending']);
    await api.work();
    expect((await get(json.id)).status).toBe('active');
  });
});

describe('change', () => {
  it('changes the given fields and keeps the rest; null clears', async () => {
    const id = await api.activeSubscription(account, {
      description: 'old',
      headers: { 'x-a': '1' },
      metadata: { a: 1 },
    });
    const { status, json } = await change(id, { events: ['message:created'] });
    expect([status, json]).toMatchObject([
      200,
      { events: ['message:created'], description: 'old', headers: { 'x-a': MASK }, metadata: { a: 1 } },
    ]);
    const emptied = await change(id, { events: [], description: null, headers: {}, metadata: {} });
    expect(emptied.json).toMatchObject({ events: [], description: null, headers: {}, metadata: {}, status: 'active' });
  });

  it('a masked header keeps its stored value next to new ones; without a stored value it is rejected by name', async () => {
    const id = await api.activeSubscription(account, { headers: { Authorization: 'Bearer hush', 'x-old': '1' } });
    const { json } = await change(id, { headers: { authorization: MASK, 'x-new': '2' } });
    expect(json.headers).toEqual({ authorization: MASK, 'x-new': MASK });
    await publish();
    await api.work();
    expect(api.posts.at(-1)?.headers).toEqual({ authorization: 'Bearer hush', 'x-new': '2' });
    const refused = await change(id, { headers: { 'x-old': MASK } });
    expect([refused.status, refused.json.errors]).toEqual([
      422,
      [{ path: 'headers.x-old', message: expect.stringContaining('no value is stored under this name') }],
    ]);
    expect((await get(id)).headers).toEqual({ authorization: MASK, 'x-new': MASK });
  });

  it('headers have at most 8 KiB together, including kept values; the error names the field and the limit (S11)', async () => {
    const large = { 'x-a': 'a'.repeat(4_000), 'x-b': 'b'.repeat(4_000) };
    const tooLarge = { status: 422, errors: [{ path: 'headers', message: expect.stringContaining('8192 bytes') }] };
    const created = await create({ url: 'https://hooks.example.com', headers: { ...large, 'x-c': 'c'.repeat(200) } });
    expect({ status: created.status, errors: created.json.errors }).toEqual(tooLarge);
    const id = await api.activeSubscription(account, { headers: large });
    const changed = await change(id, { headers: { 'x-a': MASK, 'x-b': MASK, 'x-c': 'c'.repeat(200) } });
    expect({ status: changed.status, errors: changed.json.errors }).toEqual(tooLarge);
    expect((await get(id)).headers).toEqual({ 'x-a': MASK, 'x-b': MASK });
  });

  it('regression: header values stay with the origin they were entered for; the response and the audit log name dropped headers', async () => {
    const id = await api.activeSubscription(account, { headers: { Authorization: 'Bearer hush' } });
    const dropped = await change(id, { url: 'https://other.example.com/' });
    expect(dropped.json).toMatchObject({
      headers: { Authorization: MASK },
      pendingHeaders: {},
      headersDropped: ['Authorization'],
    });
    const { json: audit } = await api.call('GET', `/v1/accounts/${account}/audit?action=subscriptions.change&limit=1`);
    expect(audit.data[0].changes).toMatchObject({ headersDropped: { to: ['Authorization'] } });
    expect(JSON.stringify(audit)).not.toContain('hush');

    const masked = await change(id, { headers: { authorization: MASK } });
    expect([masked.status, masked.json.errors[0].path]).toEqual([422, 'headers.authorization']);
    const given = await change(id, { headers: { 'x-token': 'new' } });
    expect(given.json).toMatchObject({
      headers: { Authorization: MASK },
      pendingHeaders: { 'x-token': MASK },
      headersDropped: [],
    });
    await api.work();
    expect(api.posts.at(-1)).toMatchObject({ url: 'https://other.example.com/', headers: { 'x-token': 'new' } });
    expect(await get(id)).toMatchObject({ headers: { 'x-token': MASK }, pendingHeaders: null });
  });

  it('ordering is `none` by default, and a change is in the audit log', async () => {
    const created = await create({ url: 'https://hooks.example.com/', ordering: 'strict' });
    expect([created.status, created.json.ordering]).toEqual([201, 'strict']);
    const id = await api.activeSubscription(account);
    expect((await get(id)).ordering).toBe('none');
    expect((await change(id, { ordering: 'strict' })).json).toMatchObject({ ordering: 'strict' });
    expect((await change(id, { description: 'CRM' })).json).toMatchObject({ ordering: 'strict' });
    const { json: audit } = await api.call('GET', `/v1/accounts/${account}/audit?action=subscriptions.change&limit=2`);
    expect(audit.data[1].changes).toEqual({ ordering: { from: null, to: 'strict' } });
    const refused = await change(id, { ordering: 'fifo' });
    expect([refused.status, refused.json.errors[0].path]).toEqual([422, 'ordering']);
  });

  it('another spelling of the same origin keeps the headers', async () => {
    for (const [url, sameOrigin] of [
      ['https://hooks.example.com/webhook', 'HTTPS://Hooks.Example.COM.:443/v2'],
      ['https://bücher.example/', 'https://xn--bcher-kva.example:443/v2'],
    ]) {
      const id = await api.activeSubscription(account, { url, headers: { 'x-token': '1' } });
      const { json } = await change(id, { url: sameOrigin });
      expect(json).toMatchObject({ pendingHeaders: { 'x-token': MASK }, headersDropped: [] });
      await api.work();
      expect(api.posts.at(-1)?.headers).toEqual({ 'x-token': '1' });
    }
  });

  it('an empty change changes nothing and starts no verification', async () => {
    const id = await api.activeSubscription(account);
    api.jobs.length = 0;
    expect((await change(id, {})).json).toMatchObject({ status: 'active', verification: { status: 'verified' } });
    expect(api.jobs).toEqual([]);
  });

  it('a new URL is pending until it is verified, and the old one still receives events', async () => {
    const id = await api.activeSubscription(account);
    const { json } = await change(id, { url: 'https://new.example.com/' });
    expect(json).toMatchObject({
      url: 'https://hooks.example.com/webhook',
      pendingUrl: 'https://new.example.com/',
      status: 'active',
      verification: { status: 'pending' },
    });
    expect((await publish()).json.deliveries).toBe(1);
    await api.deps.publisher.drain();
    await api.work();
    expect(await get(id)).toMatchObject({
      url: 'https://new.example.com/',
      pendingUrl: null,
      verification: { status: 'verified' },
    });
  });

  it('a new URL that fails leaves the old one working', async () => {
    const id = await api.activeSubscription(account);
    api.respond(() => ({ body: Buffer.from('ok') }));
    await change(id, { url: 'https://new.example.com/' });
    await api.work();
    expect(await get(id)).toMatchObject({
      url: 'https://hooks.example.com/webhook',
      pendingUrl: 'https://new.example.com/',
      status: 'active',
      verification: { status: 'failed', reason: 'mismatch' },
    });
  });
});

describe('pause, resume, disable', () => {
  it('pause holds deliveries, resume sends them; both can be repeated', async () => {
    const id = await api.activeSubscription(account);
    for (const _ of [1, 2]) expect(await act(id, 'pause')).toMatchObject({ status: 200, json: { status: 'paused' } });
    await publish();
    expect(await deliveries()).toMatchObject([{ status: 'held', nextAttemptAt: null }]);
    for (const _ of [1, 2])
      expect(await act(id, 'resume')).toMatchObject({ status: 200, json: { status: 'active', statusReason: null } });
    await api.work();
    expect(await deliveries()).toMatchObject([{ status: 'succeeded' }]);
  });

  it('disable cancels pending deliveries, with the reason; resume enables it again', async () => {
    const id = await api.activeSubscription(account);
    await act(id, 'pause');
    await publish();
    for (const _ of [1, 2])
      expect(await act(id, 'disable')).toMatchObject({
        status: 200,
        json: { status: 'disabled', statusReason: 'manual' },
      });
    expect(await deliveries()).toMatchObject([{ status: 'canceled', statusReason: 'subscription_disabled' }]);
    expect((await publish()).json.deliveries).toBe(0);
    expect(await act(id, 'resume')).toMatchObject({ status: 200, json: { status: 'active', statusReason: null } });
  });

  it('disable with hold keeps pending deliveries until it is resumed; new events get no delivery', async () => {
    const id = await api.activeSubscription(account);
    await publish();
    const disable = (body?: object) =>
      api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/disable`, { body });
    expect((await get(id)).holdsWhenDisabled).toBe(false);
    expect(await disable({ deliveries: 'hold' })).toMatchObject({
      status: 200,
      json: { status: 'disabled', statusReason: 'manual', holdsWhenDisabled: true },
    });
    // Without a choice, or with an empty body, the previous choice applies.
    for (const body of [undefined, {}]) expect(await disable(body)).toMatchObject({ status: 200 });
    expect(await deliveries()).toMatchObject([{ status: 'held', statusReason: null, nextAttemptAt: null }]);
    expect((await publish()).json.deliveries).toBe(0);
    await act(id, 'resume');
    await api.work();
    expect(await deliveries()).toMatchObject([{ status: 'succeeded' }]);
  });

  it('disable with hold, then with cancel: held deliveries are canceled', async () => {
    const id = await api.activeSubscription(account);
    await publish();
    for (const choice of ['hold', 'cancel'])
      await api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/disable`, { body: { deliveries: choice } });
    expect(await deliveries()).toMatchObject([{ status: 'canceled', statusReason: 'subscription_disabled' }]);
  });

  it.each(['pause', 'resume', 'disable'])('%s of an unverified subscription: 422 with the reason', async (name) => {
    const { json } = await create({ url: 'https://hooks.example.com/' });
    const response = await act(json.id, name);
    expect([response.status, response.json.code]).toEqual([422, 'invalid_request']);
    expect(response.json.detail).toContain('not verified');
  });
});

describe('secrets', () => {
  it('a subscription has a secret from the start; after a rotation the old one stays valid until it expires', async () => {
    const id = await api.activeSubscription(account);
    const first = await api.call('GET', `/v1/accounts/${account}/subscriptions/${id}/secret`);
    expect(first.json).toEqual({ secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/), previous: [] });
    expect(first.headers['cache-control']).toBe('no-store');
    const rotated = await act(id, 'secret/rotate');
    expect(rotated.json).toEqual({
      secret: expect.stringMatching(/^whsec_/),
      previous: [{ secret: first.json.secret, expiresAt: TIME }],
    });
    const dayMs = Date.parse(rotated.json.previous[0].expiresAt) - Date.now();
    expect(dayMs).toBeGreaterThan(86_300_000);
    expect(dayMs).toBeLessThan(86_500_000);
  });

  it('overlapSeconds: 0 ends the old secret immediately', async () => {
    const id = await api.activeSubscription(account);
    expect((await act(id, 'secret/rotate', { overlapSeconds: 0 })).json.previous).toEqual([]);
  });

  it('the log names who read a secret, but not the secret', async () => {
    const id = await api.activeSubscription(account);
    const { json } = await api.call('GET', `/v1/accounts/${account}/subscriptions/${id}/secret`);
    const log = api.logged.join('');
    expect(log).toContain('secret.revealed');
    expect(log).not.toContain(json.secret);
  });
});

describe('test', () => {
  it('without a body: sends the example of a matching type to this subscription only', async () => {
    const id = await api.activeSubscription(account, { events: ['conversation:*'] });
    await api.activeSubscription(account);
    const { status, json } = await act(id, 'test');
    expect([status, json]).toEqual([
      202,
      { deliveryId: expect.stringMatching(/^dlv_/), eventId: expect.stringMatching(/^evt_/) },
    ]);
    await api.work();
    const event = await api.call('GET', `/v1/accounts/${account}/events/${json.eventId}`);
    expect(event.json.event).toMatch(/^conversation:/);
    expect(event.json.payload).toMatchObject({ object: 'conversation' });
    expect(event.json.deliveries).toMatchObject([{ id: json.deliveryId, subscriptionId: id, status: 'succeeded' }]);
    const delivery = await api.call('GET', `/v1/accounts/${account}/deliveries/${json.deliveryId}`);
    expect(delivery.json.attempts).toMatchObject([{ trigger: 'test' }]);
  });

  it.each([
    ['with its type before the payload', '{"event":"message:created","payload":{"n":12345678901234567890,"1":0}}'],
    ['with its type after the payload', '{ "payload" : {"n":12345678901234567890,"1":0} , "event":"message:created"}'],
    ['alone', ' {"payload":{"n":12345678901234567890,"1":0}}'],
  ])('sends a given payload, %s, byte for byte', async (_, body) => {
    const id = await api.activeSubscription(account);
    const { status, json } = await api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/test`, { body });
    expect(status).toBe(202);
    const { text } = await api.call('GET', `/v1/accounts/${account}/events/${json.eventId}`);
    expect(text).toContain('"payload":{"n":12345678901234567890,"1":0}');
    await api.work();
  });

  it('a given payload requires events:write, so that only publishers can sign events; the example does not (S9)', async () => {
    const id = await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/subscriptions/${id}/test`;
    const forged = { event: 'message:created', payload: { amount: 1_000_000 } };
    const [portal, key] = [await api.portal(account), await api.key(account, ['subscriptions:write'])];
    const before = await api.counts();
    for (const [caller, word] of [
      [portal, 'capability events:write'],
      [key, 'scope events:write'],
    ] as const) {
      for (const body of [forged, { payload: {} }]) {
        const { status, json } = await api.call('POST', path, { key: caller, body });
        expect([status, json.code, json.detail]).toEqual([403, 'forbidden', expect.stringContaining(word)]);
      }
    }
    expect(await api.counts()).toEqual(before);
    for (const caller of [portal, key]) {
      const { status, json } = await api.call('POST', path, { key: caller, body: { event: 'message:created' } });
      expect(status).toBe(202);
      const { json: event } = await api.call('GET', `/v1/accounts/${account}/events/${json.eventId}`);
      expect(event.payload).toMatchObject({ object: 'message' });
    }
    const publisher = await api.key(account, ['subscriptions:write', 'events:write']);
    expect((await api.call('POST', path, { key: publisher, body: forged })).status).toBe(202);
    await api.work();
  });

  it('returns 422 for an unverified subscription', async () => {
    const { json } = await create({ url: 'https://hooks.example.com/' });
    expect((await act(json.id, 'test')).status).toBe(422);
  });
});

describe('delete', () => {
  it('returns 204; then the subscription is in no list and returns 404, and its deliveries stay readable', async () => {
    const id = await api.activeSubscription(account);
    await publish();
    await api.deps.publisher.drain();
    await api.work();
    expect((await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${id}`)).status).toBe(204);
    expect((await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${id}`)).status).toBe(404);
    expect((await api.call('GET', `/v1/accounts/${account}/subscriptions/${id}`)).status).toBe(404);
    expect((await api.call('GET', `/v1/accounts/${account}/subscriptions`)).json.data).toEqual([]);
    expect(await deliveries()).toMatchObject([
      { subscriptionId: id, url: 'https://hooks.example.com/webhook', status: 'succeeded' },
    ]);
  });
});

describe('list', () => {
  it('filters by one or several statuses', async () => {
    const active = await api.activeSubscription(account);
    const paused = await api.activeSubscription(account);
    await act(paused, 'pause');
    const list = async (query: string) =>
      (await api.call('GET', `/v1/accounts/${account}/subscriptions${query}`)).json.data.map(
        ({ id }: { id: string }) => id,
      );
    expect(await list('')).toEqual([paused, active]);
    expect(await list('?status=active')).toEqual([active]);
    expect(await list('?status=paused&status=active')).toEqual([paused, active]);
    expect(await list('?status=disabled')).toEqual([]);
  });
});
