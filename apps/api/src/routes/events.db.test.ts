import { toUuid } from '@posthorn/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

const message = { event: 'message:created', payload: { id: 'm1' } };
const publish = (account: string, body: unknown = message, headers: Record<string, string> = {}) =>
  api.call('POST', `/v1/accounts/${account}/events`, { body, headers });
const batch = (account: string, events: unknown[]) =>
  api.call('POST', `/v1/accounts/${account}/events/batch`, { body: { events } });

describe('publish', () => {
  it('returns 202 and stores the event with one delivery per matching subscription, and enqueues them (V1)', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    await api.activeSubscription(account, { events: ['message:*'] });
    await api.activeSubscription(account, { events: ['conversation:created'] });
    const { status, json } = await publish(account);
    expect(status).toBe(202);
    expect(json).toEqual({
      id: expect.stringMatching(/^evt_/),
      accountId: account,
      event: 'message:created',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      deliveries: 2,
      fanOut: null,
      duplicate: false,
    });
    await api.deps.publisher.drain();
    expect(api.jobs).toHaveLength(2);
    await api.work();
  });

  it('stores an event without a matching subscription, and returns deliveries: 0 (L13)', async () => {
    const account = await api.account();
    const { json } = await publish(account);
    expect(json.deliveries).toBe(0);
    expect((await api.call('GET', `/v1/accounts/${account}/events/${json.id}`)).json).toMatchObject({ deliveries: [] });
  });

  it('disable_webhook_events: true in the metadata of a message stores the event without deliveries', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    const { status, json } = await publish(account, {
      event: 'message:created',
      payload: { metadata: { disable_webhook_events: true } },
    });
    expect([status, json.deliveries]).toEqual([202, 0]);
  });

  it('returns the same id and duplicate: true for the same Idempotency-Key with the same body', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    const first = await publish(account, message, { 'idempotency-key': 'k-1' });
    const again = await publish(account, '{ "event": "message:created", "payload": {"id":"m1"} }', {
      'idempotency-key': 'k-1',
    });
    expect(again.status).toBe(202);
    expect(again.json).toEqual({ ...first.json, duplicate: true });
    expect((await api.call('GET', `/v1/accounts/${account}/events`)).json.data).toHaveLength(1);
  });

  it('shows fanOut: expanding when the event is read, and still in the response to a repeat', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    const key = { 'idempotency-key': 'k-1' };
    const { json } = await publish(account, message, key);
    const eventId = toUuid('evt', json.id) ?? '';
    const fanOut = {
      eventId,
      accountId: account,
      eventType: 'message:created',
      expected: 6_000,
      createdAt: new Date(),
    };
    await api.deps.db.prisma.fanOut.create({ data: fanOut });
    const read = async () => [
      (await api.call('GET', `/v1/accounts/${account}/events/${json.id}`)).json.fanOut,
      (await api.call('GET', `/v1/accounts/${account}/events`)).json.data[0].fanOut,
    ];
    const first = { ...json, deliveries: 6_000, fanOut: 'expanding', duplicate: true };
    expect(await read()).toEqual(['expanding', 'expanding']);
    expect((await publish(account, message, key)).json).toEqual(first);
    await api.deps.db.prisma.fanOut.update({ where: { eventId }, data: { completedAt: new Date() } });
    expect(await read()).toEqual([null, null]);
    expect((await publish(account, message, key)).json).toEqual(first);
  });

  it('returns 409 for the same Idempotency-Key with another body', async () => {
    const account = await api.account();
    await publish(account, message, { 'idempotency-key': 'k-1' });
    const { status, json } = await publish(
      account,
      { ...message, payload: { id: 'm2' } },
      { 'idempotency-key': 'k-1' },
    );
    expect(status).toBe(409);
    expect(json).toMatchObject({ code: 'idempotency_conflict', errors: [{ path: 'Idempotency-Key' }] });
  });

  it('two accounts may use the same Idempotency-Key', async () => {
    const [one, other] = [await api.account(), await api.account()];
    const first = await publish(one, message, { 'idempotency-key': 'shared' });
    const second = await publish(other, { ...message, payload: { id: 'other' } }, { 'idempotency-key': 'shared' });
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.json).toMatchObject({ duplicate: false, accountId: other });
  });

  it.each([
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
    ['with a non-ASCII letter', 'ключ'],
    ['with a tab', 'a\tb'],
  ])('returns 422 for an Idempotency-Key that is %s', async (_, key) => {
    const { status, json } = await publish(await api.account(), message, {
      'idempotency-key': Buffer.from(key).toString('latin1'),
    });
    expect(status).toBe(422);
    expect(json.errors).toEqual([
      { path: 'Idempotency-Key', message: expect.stringContaining('1 to 255 printable ASCII') },
    ]);
  });

  it('accepts an account key with events:write', async () => {
    const account = await api.account();
    const key = await api.key(account, ['events:write']);
    expect((await api.call('POST', `/v1/accounts/${account}/events`, { key, body: message })).status).toBe(202);
  });

  it('regression: returns 503 with Retry-After, not 404, while another transaction locks the account', async () => {
    const account = await api.account();
    const client = await api.deps.db.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM accounts WHERE id = $1 FOR UPDATE', [account]);
    for (const { status, json, headers } of [await publish(account), await batch(account, [message])])
      expect([status, json.code, headers['retry-after']]).toEqual([503, 'unavailable', '2']);
    await client.query('COMMIT');
    client.release();
    expect((await publish(account)).status).toBe(202);
  });

  const raise = (code: string) => `
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '${code}'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION fail()`;
  it.each([
    { fault: 'times out', begin: raise('57014'), end: 'DROP FUNCTION fail CASCADE' },
    { fault: 'loses a deadlock', begin: raise('40P01'), end: 'DROP FUNCTION fail CASCADE' },
    {
      fault: 'inserts a row that waits for its partition',
      begin: 'ALTER TABLE events_first ADD CONSTRAINT events_other_closed_range CHECK (false) NOT VALID',
      end: 'ALTER TABLE events_first DROP CONSTRAINT events_other_closed_range',
    },
  ])('503 with Retry-After, and no event, when the statement $fault', async ({ begin, end }) => {
    const account = await api.account();
    await api.deps.db.pool.query(begin);
    try {
      for (const { status, json, headers } of [await publish(account), await batch(account, [message])])
        expect([status, json.code, headers['retry-after']]).toEqual([503, 'unavailable', '2']);
    } finally {
      await api.deps.db.pool.query(end);
    }
    expect(await api.deps.db.prisma.event.count({ where: { accountId: account } })).toBe(0);
    expect((await publish(account)).status).toBe(202);
  });

  it('counts accepted, unmatched and, by code, rejected events', async () => {
    await publish(await api.account());
    await publish('nobody');
    const { text } = await api.call('GET', '/metrics');
    expect(text).toMatch(/posthorn_events_accepted_total\{result="new"\} [1-9]/);
    expect(text).toMatch(/posthorn_events_accepted_total\{result="duplicate"\} [1-9]/);
    expect(text).toMatch(/posthorn_events_unmatched_total [1-9]/);
    expect(text).toMatch(/posthorn_deliveries_created_total [1-9]/);
    expect(text).toMatch(/posthorn_events_rejected_total\{code="not_found"\} [1-9]/);
    expect(text).toMatch(
      /posthorn_http_request_duration_seconds_count\{method="POST",route="\/v1\/accounts\/:account\/events",status_code="202"\}/,
    );
    expect(text).not.toContain('account-1');
  });
});

describe('publish a batch', () => {
  it('returns 202 and the events in the order of the request, each with its own key', async () => {
    const account = await api.account();
    await api.activeSubscription(account, { events: ['message:created'] });
    const events = [
      { ...message, idempotencyKey: 'b-1' },
      { event: 'conversation:created', payload: {} },
      { ...message, idempotencyKey: 'b-1' },
    ];
    const { status, json } = await batch(account, events);
    expect(status).toBe(202);
    expect(
      json.data.map((event: { event: string; deliveries: number; duplicate: boolean }) => [
        event.event,
        event.deliveries,
        event.duplicate,
      ]),
    ).toEqual([
      ['message:created', 1, false],
      ['conversation:created', 0, false],
      ['message:created', 1, true],
    ]);
    expect(json.data[2].id).toBe(json.data[0].id);
  });

  it.each([
    ['an unknown type', { event: 'nobody:knows', payload: {} }, 422, 'unknown_event_type', 'events[1].event'],
    [
      'a key used with another body',
      { ...message, payload: { id: 'x' }, idempotencyKey: 'taken' },
      409,
      'idempotency_conflict',
      'events[1].idempotencyKey',
    ],
    [
      'a payload that is not an object',
      { event: 'message:created', payload: 1 },
      422,
      'invalid_request',
      'events[1].payload',
    ],
    ['an unknown field', { ...message, paylod: {} }, 422, 'invalid_request', 'events[1].paylod'],
    [
      'a key that is too long',
      { ...message, idempotencyKey: 'k'.repeat(256) },
      422,
      'invalid_request',
      'events[1].idempotencyKey',
    ],
  ])(
    'all or nothing: %s among valid events rejects the batch and names the event',
    async (_, bad, status, code, path) => {
      const account = await api.account();
      await api.activeSubscription(account);
      await publish(account, message, { 'idempotency-key': 'taken' });
      const before = await api.counts();
      const response = await batch(account, [{ ...message, idempotencyKey: 'fresh' }, bad, message]);
      expect(response.status).toBe(status);
      expect(response.json).toMatchObject({ code, errors: [{ path }] });
      expect(await api.counts()).toEqual(before);
    },
  );

  it.each([
    ['none', 0],
    ['501', 501],
  ])('returns 422 for %s events', async (_, count) => {
    const { status, json } = await batch(
      await api.account(),
      Array.from({ length: count }, () => message),
    );
    expect(status).toBe(422);
    expect(json.errors[0].path).toBe('events');
  });

  it('accepts 500 events of 32 KB each', async () => {
    const large = { ...message, payload: { text: 'x'.repeat(32_000) } };
    const { status, json } = await batch(
      await api.account(),
      Array.from({ length: 500 }, () => large),
    );
    expect(status).toBe(202);
    expect(json.data).toHaveLength(500);
  });

  it('returns 422 for a header Idempotency-Key', async () => {
    const account = await api.account();
    const { status, json } = await api.call('POST', `/v1/accounts/${account}/events/batch`, {
      body: { events: [message] },
      headers: { 'idempotency-key': 'k' },
    });
    expect([status, json.errors[0].path]).toEqual([422, 'Idempotency-Key']);
  });

  it('returns 404 for an unknown account', async () => {
    expect((await batch('nobody', [message])).json.code).toBe('not_found');
  });
});

describe('get an event', () => {
  it('returns the payload byte for byte: key order, 20-digit integers, number format, escapes (V2)', async () => {
    const account = await api.account();
    const payload = String.raw`{"b":1,"10":1,"2":2,"n":12345678901234567890,"f":1.0,"e":1E+2,"s":"\u00fc\/\ud83d","deep":{"d":1,"d":2}}`;
    const { json } = await publish(
      account,
      `{ "payload" : ${payload.replaceAll(',', ' ,\n')} , "event" : "message:created" }`,
    );
    const { text } = await api.call('GET', `/v1/accounts/${account}/events/${json.id}`);
    expect(text).toContain(`"payload":${payload}`);
  });

  it('a deleted payload is null, and its delivery cannot be retried', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    const { json } = await publish(account);
    await api.deps.db.pool.query(`UPDATE events SET body = '' WHERE account_id = $1`, [account]);
    const event = await api.call('GET', `/v1/accounts/${account}/events/${json.id}`);
    expect(event.json).toMatchObject({ payload: null, event: 'message:created' });
    const [{ id } = { id: '' }] = event.json.deliveries as { id: string }[];
    const retried = await api.call('POST', `/v1/accounts/${account}/deliveries/${id}/retry`);
    expect([retried.status, retried.text]).toEqual([422, expect.stringContaining('has been erased')]);
  });

  it('shows the states of its deliveries', async () => {
    const account = await api.account();
    const subscription = await api.activeSubscription(account);
    const { json } = await publish(account);
    await api.deps.publisher.drain();
    await api.work();
    const event = await api.call('GET', `/v1/accounts/${account}/events/${json.id}`);
    expect(event.json.deliveries).toEqual([
      {
        id: expect.stringMatching(/^dlv_/),
        subscriptionId: subscription,
        status: 'succeeded',
        statusReason: null,
        attemptCount: 1,
        nextAttemptAt: null,
        completedAt: expect.any(String),
      },
    ]);
  });
});

it('an event with many deliveries shows 100 of them, and their number', async () => {
  const account = await api.account();
  const { json } = await publish(account);
  await api.deps.db.pool.query(
    `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
     SELECT posthorn_delivery_id($2), $1, $2, 'message:created', gen_random_uuid(), 'canceled', 0, 0, now(), now() FROM generate_series(1, 130)`,
    [account, toUuid('evt', json.id)],
  );
  const event = await api.call('GET', `/v1/accounts/${account}/events/${json.id}`);
  expect(event.json.deliveries).toHaveLength(100);
  expect(event.json.deliveryCounts).toEqual({ pending: 0, held: 0, succeeded: 0, failed: 0, canceled: 130 });
});

describe('list events', () => {
  it('counts the deliveries of each event by status', async () => {
    const account = await api.account();
    const subscription = await api.activeSubscription(account);
    await publish(account);
    await api.deps.publisher.drain();
    await api.work();
    await api.activeSubscription(account);
    await publish(account);
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${subscription}/pause`);
    await publish(account);
    const { json } = await api.call('GET', `/v1/accounts/${account}/events`);
    const none = { pending: 0, held: 0, succeeded: 0, failed: 0, canceled: 0 };
    expect(json.data.map((row: { deliveryCounts: object }) => row.deliveryCounts)).toEqual([
      { ...none, pending: 1, held: 1 },
      { ...none, pending: 1, held: 1 },
      { ...none, succeeded: 1 },
    ]);
    expect(json.data.map((row: { deliveries: number }) => row.deliveries)).toEqual([2, 2, 1]);
  });

  it('filters by types and by time: from is inclusive, to is exclusive', async () => {
    const account = await api.account();
    const first = (await publish(account)).json;
    const second = (await publish(account, { event: 'conversation:created', payload: {} })).json;
    const list = async (query: string) =>
      (await api.call('GET', `/v1/accounts/${account}/events?${query}`)).json.data.map(({ id }: { id: string }) => id);
    expect(await list('event=message:created')).toEqual([first.id]);
    expect(await list('event=message:created&event=conversation:created')).toEqual([second.id, first.id]);
    expect(await list('event=conversation:updated')).toEqual([]);
    expect(await list(`from=${first.createdAt}`)).toEqual([second.id, first.id]);
    expect(await list(`to=${first.createdAt}`)).toEqual([]);
    expect(await list('from=2100-01-01T00:00:00Z')).toEqual([]);
  });
});

describe('find missing events', () => {
  const UNKNOWN = 'evt_01jd4q8y3ne9mav5w2xkq7rf0c';
  const find = (account: string, events: unknown) =>
    api.call('POST', `/v1/accounts/${account}/events/missing`, { body: { events } });

  it('returns those that the account has neither by id nor by key, in the order of the request', async () => {
    const [account, other] = [await api.account(), await api.account()];
    const { id } = (await publish(account, message, { 'idempotency-key': 'k-1' })).json;
    const { id: foreign } = (await publish(other, message, { 'idempotency-key': 'k-2' })).json;
    const missing = [
      { id: UNKNOWN, idempotencyKey: null },
      { id: null, idempotencyKey: 'k-2' },
      { id: foreign, idempotencyKey: 'k-2' },
    ];
    const known = [
      { id },
      { idempotencyKey: 'k-1' },
      { id: UNKNOWN, idempotencyKey: 'k-1' },
      { id, idempotencyKey: 'k-2' },
    ];
    const { status, json } = await find(account, [...known, ...missing, { id: UNKNOWN }]);
    expect([status, json.data]).toEqual([200, [...missing, { id: UNKNOWN, idempotencyKey: null }]]);
  });

  it('takes 500 events, and refuses more, none, and entries without id and key', async () => {
    const account = await api.account();
    const many = (count: number) => Array.from({ length: count }, (_, n) => ({ idempotencyKey: `k-${n}` }));
    expect((await find(account, many(500))).json.data).toHaveLength(500);
    const refused = await Promise.all(
      [many(501), [], [{}], [{ id: null }], [{ id: 'evt_1' }]].map((one) => find(account, one)),
    );
    expect(refused.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422]);
  });
});
