import { toTypeId, toUuid } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { echo, openTestApi, OPERATOR_KEY, REFUSED, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
let key: string;
beforeAll(async () => void (api = await openTestApi()));
beforeEach(async () => {
  api.respond(echo);
  api.verifyAtOnce(true);
  account = await api.account();
  key = await api.key(account);
});
afterAll(() => api.close());

const BASE = '/api/event_subscriptions';
const WHOLE_SECONDS = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const NOT_FOUND = { errors: { detail: 'Not Found' } };
const BAD_REQUEST = { errors: { detail: 'Bad Request' } };
const NOT_AUTHENTICATED = { error: { code: 401, message: 'Not authenticated' } };

const create = (fields: object) => api.call('POST', BASE, { key, body: { event_subscription: fields } });
const change = (id: string, fields: object, method: 'PUT' | 'PATCH' = 'PUT') =>
  api.call(method, `${BASE}/${id}`, { key, body: { event_subscription: fields } });
const verify = (body: unknown) => api.call('POST', `${BASE}/verify`, { key, body });
const v1 = async (id: string) =>
  (await api.call('GET', `/v1/accounts/${account}/subscriptions/${toTypeId('sub', id)}`)).json;
const url = 'https://example.com/api/webhook';
const verifications = () => api.deps.db.prisma.verification.count({ where: { accountId: account } });

describe('create', () => {
  it('returns 201, location and exactly the eight keys in their order; verified is correct', async () => {
    const { status, headers, json, text } = await create({ webhook_url: url });
    expect(status).toBe(201);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['location']).toBe(`${BASE}/${json.data.id}`);
    expect(json).toEqual({
      data: {
        account_id: account,
        created_at: WHOLE_SECONDS,
        id: UUID,
        object: 'event_subscription',
        scope: null,
        updated_at: WHOLE_SECONDS,
        verified: true,
        webhook_url: url,
      },
    });
    expect(text).toMatch(
      /^\{"data":\{"account_id":.*"created_at":.*"id":.*"object":.*"scope":.*"updated_at":.*"verified":.*"webhook_url":/,
    );
  });

  it('stores a subscription whose verification fails; returns 201 and verified: false', async () => {
    api.respond(() => ({ body: Buffer.from('{"ok":true}') }));
    const { status, json } = await create({ webhook_url: url });
    expect([status, json.data.verified]).toEqual([201, false]);
    expect((await v1(json.data.id)).verification.reason).toBe('mismatch');
  });

  it('an endpoint that returns {"challenge": …} or the bare JSON string is verified', async () => {
    for (const wrap of [
      (challenge: string) => `{"challenge":"${challenge}","more":1}`,
      (challenge: string) => `"${challenge}"`,
    ]) {
      api.respond((request) => ({ body: Buffer.from(wrap(Buffer.from(echo(request).body ?? []).toString())) }));
      expect((await create({ webhook_url: url })).json.data.verified).toBe(true);
    }
  });

  it('adds the slash to a URL without a path', async () => {
    expect((await create({ webhook_url: 'https://example.com' })).json.data).toMatchObject({
      webhook_url: 'https://example.com/',
      verified: true,
    });
  });

  it('account_id and verified in the body are ignored', async () => {
    const other = await api.account();
    api.respond(() => REFUSED);
    const { json } = await create({ webhook_url: url, account_id: other, verified: true });
    expect(json.data).toMatchObject({ account_id: account, verified: false });
  });

  it.each([
    ['absent', undefined, null, []],
    ['null', null, null, []],
    ['empty', '', null, []],
    ['one of the created types', 'message:created', 'message:created', ['message:created', 'conversation:created']],
    ['something else', 'whatever', 'whatever', ['message:created', 'conversation:created']],
    [
      'with conversation:updated in it',
      'message:created,conversation:updated',
      'message:created,conversation:updated',
      ['message:created', 'conversation:created', 'conversation:updated'],
    ],
  ])('a scope that is %s is returned unchanged and translated for /v1', async (_, scope, returned, events) => {
    const { json } = await create({ webhook_url: url, scope });
    expect(json.data.scope).toBe(returned);
    expect((await v1(json.data.id)).events).toEqual(events);
  });

  it.each([
    ['missing', {}],
    ['null', { webhook_url: null }],
    ['empty', { webhook_url: '' }],
    ['blank', { webhook_url: '  ' }],
  ])("returns 422 can't be blank for the webhook_url %s", async (_, fields) => {
    const { status, json } = await create(fields);
    expect(status).toBe(422);
    expect(json).toEqual({
      error: { status: 422, message: 'Unprocessable Entity', errors: { webhook_url: ["can't be blank"] } },
    });
  });

  it.each([
    ['some text'],
    ['http://example.com/'],
    ['https://127.0.0.1/'],
    ['https://user:pass@example.com/'],
    [`https://example.com/${'x'.repeat(2048)}`],
    ['https://example.com/\0'],
    [7],
  ])('returns 422 with our own message for the webhook_url %j, and stores nothing', async (webhook_url) => {
    const before = await api.counts();
    const { status, json } = await create({ webhook_url });
    expect(status).toBe(422);
    expect(json.error).toMatchObject({
      status: 422,
      message: 'Unprocessable Entity',
      errors: { webhook_url: [expect.any(String)] },
    });
    expect(await api.counts()).toEqual(before);
  });

  it.each([[7], [{}], ['a\0b'], ['\ud83d'], ['x'.repeat(2001)]])('returns 422 for the scope %j', async (scope) => {
    const { status, json } = await create({ webhook_url: url, scope });
    expect([status, Object.keys(json.error.errors)]).toEqual([422, ['scope']]);
  });

  it.each([
    ['no event_subscription', {}],
    ['an event_subscription that is a string', { event_subscription: 'x' }],
    ['an event_subscription that is a list', { event_subscription: [] }],
    ['a list', []],
    ['broken JSON', '{'],
    ['nothing', ''],
  ])('returns 400 for %s', async (_, body) => {
    const { status, json } = await api.call('POST', BASE, { key, body });
    expect([status, json]).toEqual([400, BAD_REQUEST]);
  });

  it('returns 409 in the format of Papercups when the account has reached its limit; the list has all of them (S5)', async () => {
    api.deps.maxSubscriptionsPerAccount = 2;
    try {
      const made = [await create({ webhook_url: url }), await create({ webhook_url: url })].map(
        ({ json }) => json.data,
      );
      const before = await api.counts();
      const { status, json } = await create({ webhook_url: url });
      expect([status, json]).toEqual([
        409,
        { error: { status: 409, message: expect.stringContaining('limit of 2 subscriptions') } },
      ]);
      expect(await api.counts()).toEqual(before);
      expect((await api.call('GET', BASE, { key })).json.data).toEqual(made);
      api.deps.maxSubscriptionsPerAccount = 1;
      expect((await api.call('GET', BASE, { key })).json.data).toEqual(made.slice(0, 1));
    } finally {
      api.deps.maxSubscriptionsPerAccount = 1_000;
    }
  });

  it('returns 415 for a form and 413 for a large body, in the format of Papercups', async () => {
    const form = await api.call('POST', BASE, {
      key,
      body: 'a=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([form.status, form.json]).toEqual([415, { errors: { detail: 'Unsupported Media Type' } }]);
    const large = await create({ webhook_url: url, scope: 'x'.repeat(200_000) });
    expect([large.status, large.json]).toEqual([413, { errors: { detail: 'Payload Too Large' } }]);
  });
});

describe('list and get', () => {
  it('lists all of the account, oldest first; both forms of the id work', async () => {
    expect((await api.call('GET', BASE, { key })).json).toEqual({ data: [] });
    const one = (await create({ webhook_url: url })).json.data;
    const two = (await create({ webhook_url: 'https://example.com/two' })).json.data;
    expect((await api.call('GET', BASE, { key })).json).toEqual({ data: [one, two] });
    expect((await api.call('GET', `${BASE}/${one.id}`, { key })).json).toEqual({ data: one });
    expect((await api.call('GET', `${BASE}/${one.id.toUpperCase()}`, { key })).json).toEqual({ data: one });
    expect((await api.call('GET', `${BASE}/${toTypeId('sub', one.id)}`, { key })).json).toEqual({ data: one });
  });

  it('lists at most 10,000, the oldest ones', async () => {
    api.deps.maxSubscriptionsPerAccount = 100_000;
    try {
      await api.deps.db.pool.query(
        `INSERT INTO subscriptions (id, account_id, url, status)
         SELECT posthorn_uuid_at(now() + n * interval '1 ms'), $1, 'https://example.com/' || n, 'active' FROM generate_series(1, 10001) n`,
        [account],
      );
      const { json } = await api.call('GET', BASE, { key });
      expect(json.data).toHaveLength(10_000);
      expect(json.data[0].webhook_url).toBe('https://example.com/1');
    } finally {
      api.deps.maxSubscriptionsPerAccount = 1_000;
    }
  });

  it('verified is also true for a paused and a disabled subscription', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    for (const act of ['pause', 'disable']) {
      await api.call('POST', `/v1/accounts/${account}/subscriptions/${toTypeId('sub', id)}/${act}`);
      expect((await api.call('GET', `${BASE}/${id}`, { key })).json.data.verified).toBe(true);
    }
  });

  it('includes a subscription that was created in /v1', async () => {
    const id = await api.activeSubscription(account);
    const { json } = await api.call('GET', BASE, { key });
    expect(json.data).toMatchObject([{ id: toUuid('sub', id), verified: true, scope: null }]);
  });
});

describe.each(['PUT', 'PATCH'] as const)('%s', (method) => {
  it('returns a new URL that is verified', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    const { status, json } = await change(id, { webhook_url: 'https://example.com/new' }, method);
    expect([status, json.data]).toMatchObject([200, { id, webhook_url: 'https://example.com/new', verified: true }]);
  });

  it('returns the old URL if the new one fails its verification', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    api.respond(() => ({ body: Buffer.from('nope') }));
    const { json } = await change(id, { webhook_url: 'https://example.com/new' }, method);
    expect(json.data).toMatchObject({ webhook_url: url, verified: true });
    expect(await v1(id)).toMatchObject({ url, pendingUrl: 'https://example.com/new', status: 'active' });
  });

  it('regression: a URL of another origin gets no header values of the old one; the audit log names the dropped headers', async () => {
    const id = toUuid('sub', await api.activeSubscription(account, { url, headers: { 'x-token': 'hush' } })) ?? '';
    await change(id, { webhook_url: 'https://other.example.com/' }, method);
    expect(api.posts.at(-1)).toMatchObject({ url: 'https://other.example.com/', headers: {} });
    const { json } = await api.call('GET', `/v1/accounts/${account}/audit?limit=1`);
    expect(json.data[0].changes).toMatchObject({ headersDropped: { to: ['x-token'] } });
  });

  it('does not verify again without webhook_url', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    const before = await verifications();
    const { status, json } = await change(id, { scope: 'conversation:updated' }, method);
    expect([status, json.data]).toMatchObject([
      200,
      { scope: 'conversation:updated', verified: true, webhook_url: url },
    ]);
    expect(await verifications()).toBe(before);
    expect((await v1(id)).events).toContain('conversation:updated');
  });

  it('does not verify the same URL again, and keeps the scope', async () => {
    const { id } = (await create({ webhook_url: url, scope: 'x' })).json.data;
    const before = await verifications();
    expect((await change(id, { webhook_url: url }, method)).json.data).toMatchObject({ verified: true, scope: 'x' });
    expect(await verifications()).toBe(before);
  });

  it('account_id in the body is ignored', async () => {
    const other = await api.account();
    const { id } = (await create({ webhook_url: url })).json.data;
    expect((await change(id, { account_id: other, verified: false }, method)).json.data).toMatchObject({
      account_id: account,
      verified: true,
    });
  });

  it('returns 422 for an empty or forbidden URL, and the old one stays', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    expect((await change(id, { webhook_url: '' }, method)).json.error.errors.webhook_url).toEqual(["can't be blank"]);
    expect((await change(id, { webhook_url: 'https://10.0.0.1/' }, method)).status).toBe(422);
    expect((await api.call('GET', `${BASE}/${id}`, { key })).json.data.webhook_url).toBe(url);
  });

  it('returns 400 for a body without event_subscription', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    const { status, json } = await api.call(method, `${BASE}/${id}`, { key, body: { webhook_url: url } });
    expect([status, json]).toEqual([400, BAD_REQUEST]);
  });
});

describe('delete', () => {
  it('returns 204 without a body, and 404 for a deleted subscription', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    const { status, text } = await api.call('DELETE', `${BASE}/${id}`, { key });
    expect([status, text]).toEqual([204, '']);
    const again = await api.call('DELETE', `${BASE}/${id}`, { key });
    expect([again.status, again.json]).toEqual([404, NOT_FOUND]);
    expect((await api.call('GET', BASE, { key })).json).toEqual({ data: [] });
  });
});

describe('verify', () => {
  it('returns true for a URL that echoes, and stores no subscription', async () => {
    const { status, json } = await verify({ url });
    expect([status, json]).toEqual([200, { data: { verified: true } }]);
    expect((await api.call('GET', BASE, { key })).json.data).toEqual([]);
  });

  it('returns false for a URL that does not echo', async () => {
    api.respond(() => ({ body: Buffer.from('{"ok":true}') }));
    expect((await verify({ url })).json).toEqual({ data: { verified: false } });
  });

  it.each([
    ['some text'],
    [''],
    [null],
    [7],
    ['https://127.0.0.1/'],
    ['https://169.254.169.254/'],
    ['http://example.com/'],
  ])('returns false for %j and sends nothing', async (bad) => {
    api.posts.length = 0;
    const { status, json } = await verify({ url: bad });
    expect([status, json]).toEqual([200, { data: { verified: false } }]);
    expect(api.posts).toEqual([]);
  });

  it.each([
    ['no url', {}],
    ['a list', []],
    ['broken JSON', '{'],
    ['nothing', ''],
  ])('returns 400 for %s', async (_, body) => {
    const { status, json } = await verify(body);
    expect([status, json]).toEqual([400, BAD_REQUEST]);
  });

  it('ten requests of an account can wait; one more is a 429 that changes nothing, and other requests are served (S5)', async () => {
    const { id } = (await create({ webhook_url: url })).json.data;
    const other = await api.key(await api.account());
    await api.work();
    const queued = api.jobs.length;
    const before = await api.counts();
    api.verifyAtOnce(false);
    const waiting = [
      ...Array.from({ length: 4 }, () => create({ webhook_url: url })),
      ...Array.from({ length: 5 }, () => verify({ url })),
      change(id, { webhook_url: 'https://example.com/new' }),
    ];
    await waitFor(() => api.jobs.length === queued + 10);
    const refused = await Promise.all([
      create({ webhook_url: url }),
      verify({ url }),
      change(id, { webhook_url: 'https://example.com/newer' }),
    ]);
    for (const { status, headers, json } of refused) {
      expect([status, headers['retry-after'], json.error]).toEqual([
        429,
        '5',
        { status: 429, message: expect.any(String) },
      ]);
    }
    expect((await change(id, { scope: 'message:created' })).status).toBe(200);
    const stranger = api.call('POST', `${BASE}/verify`, { key: other, body: { url } });
    await waitFor(() => api.jobs.length === queued + 11);
    await api.work();
    const responses = await Promise.all([...waiting, stranger]);
    expect(responses.map(({ json }) => json.data.verified)).toEqual(responses.map(() => true));
    const after = await api.counts();
    expect([after['subscriptions'], after['verifications']]).toEqual([
      (before['subscriptions'] ?? 0) + 4,
      (before['verifications'] ?? 0) + 11,
    ]);
    api.verifyAtOnce(true);
    expect((await verify({ url })).status).toBe(200);
  });

  it('returns false when the account has verified too many within a minute', async () => {
    await api.deps.db.pool.query(
      `INSERT INTO verifications (id, account_id, url) SELECT gen_random_uuid(), $1, 'https://example.com/' FROM generate_series(1, 60)`,
      [account],
    );
    expect((await verify({ url })).json).toEqual({ data: { verified: false } });
    const { status, json, headers } = await create({ webhook_url: url });
    expect([status, json.error.status, Number(headers['retry-after']) > 0]).toEqual([429, 429, true]);
  });
});

const EVERY = [
  ['GET', BASE],
  ['POST', BASE],
  ['GET', `${BASE}/{id}`],
  ['PUT', `${BASE}/{id}`],
  ['PATCH', `${BASE}/{id}`],
  ['DELETE', `${BASE}/{id}`],
  ['POST', `${BASE}/verify`],
] as const;

describe('authentication', () => {
  it('accepts an account key with and without Bearer', async () => {
    for (const authorization of [key, `Bearer ${key}`, `bearer ${key}`]) {
      expect((await api.call('GET', BASE, { key: null, headers: { authorization } })).status).toBe(200);
    }
  });

  it.each(EVERY)(
    '%s %s returns 401 without a key, with a wrong key, and with the operator key, which has no account',
    async (method, path) => {
      const { id } = (await create({ webhook_url: url })).json.data;
      for (const authorization of [
        undefined,
        '',
        'nonsense',
        'Basic dXNlcjpwYXNz',
        OPERATOR_KEY,
        `Bearer ${OPERATOR_KEY}`,
      ]) {
        const headers = authorization === undefined ? {} : { authorization };
        const { status, json } = await api.call(method, path.replace('{id}', id), { key: null, headers });
        expect([authorization, status, json]).toEqual([authorization, 401, NOT_AUTHENTICATED]);
      }
    },
  );

  it.each(EVERY)('%s %s returns 403 without the scope', async (method, path) => {
    const needed = method === 'GET' ? 'subscriptions:read' : 'subscriptions:write';
    const other = await api.key(account, [
      method === 'GET' ? 'subscriptions:write' : 'subscriptions:read',
      'events:write',
    ]);
    const { status, json } = await api.call(method, path.replace('{id}', '11111111-1111-4111-8111-111111111111'), {
      key: other,
    });
    expect([status, json]).toEqual([403, { error: { status: 403, message: expect.stringContaining(needed) } }]);
  });

  it.each(EVERY.filter(([, path]) => path.includes('{id}')))(
    '%s %s returns 404 for the id of another account, an unknown id and a malformed id',
    async (method, path) => {
      const { id } = (await create({ webhook_url: url })).json.data;
      const stranger = await api.key(await api.account());
      const body =
        method === 'GET' || method === 'DELETE'
          ? undefined
          : { event_subscription: { webhook_url: 'https://thief.example.com/' } };
      for (const one of [id, toTypeId('sub', id), '11111111-1111-4111-8111-111111111111', 'x', `${id}%00`, '7']) {
        const { status, json } = await api.call(method, path.replace('{id}', one), {
          key: stranger,
          ...(body && { body }),
        });
        expect([one, status, json]).toEqual([one, 404, NOT_FOUND]);
      }
      expect(await v1(id)).toMatchObject({ accountId: account, url, pendingUrl: null });
    },
  );

  it('returns 404 in the format of Papercups for an unknown route', async () => {
    const { status, json } = await api.call('GET', '/api/conversations', { key });
    expect([status, json]).toEqual([404, NOT_FOUND]);
  });

  it('regression: returns 404 in the format of Papercups for an id that is too long', async () => {
    const { status, json } = await api.call('GET', `/api/event_subscriptions/${'a'.repeat(500)}`, { key });
    expect([status, json]).toEqual([404, NOT_FOUND]);
  });
});
