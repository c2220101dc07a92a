import { type Delivery, toTypeId, toUuid } from '@posthorn/contract';
import { advanceReplays, newId } from '@posthorn/core';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { echo, openTestApi, REFUSED, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
beforeAll(async () => void (api = await openTestApi()));
beforeEach(async () => {
  api.respond(echo);
  account = await api.account();
});
afterAll(() => api.close());

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const list = async (query = '') => (await api.call('GET', `/v1/accounts/${account}/deliveries${query}`)).json.data;
const count = async (query = '') => (await api.call('GET', `/v1/accounts/${account}/deliveries/count${query}`)).json;
const get = async (id: string) => (await api.call('GET', `/v1/accounts/${account}/deliveries/${id}`)).json;
const retry = (id: string) => api.call('POST', `/v1/accounts/${account}/deliveries/${id}/retry`);

/** Publishes an event and makes the due attempts. Returns the event id. */
async function deliver(event = 'message:created'): Promise<string> {
  const { json } = await api.call('POST', `/v1/accounts/${account}/events`, { body: { event, payload: { id: 'm1' } } });
  await api.deps.publisher.drain();
  await api.work();
  return json.id;
}

const find = async (query: string) =>
  (await list(query)).map(({ eventId, subscriptionId }: { eventId: string; subscriptionId: string }) => [
    eventId,
    subscriptionId,
  ]);

/** The columns that pending and finished deliveries have in common. */
const COLUMNS = `id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at,
  last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at`;

const isOf = (code: string, statusCode: number | null): boolean =>
  statusCode !== null && new RegExp(`^${code.replaceAll('x', '\\d')}$`).test(String(statusCode));

describe('deliveries', () => {
  it('a search with few matches runs in parts: a page says how far back it searched, and the next page continues there', async () => {
    const searched = await api.account();
    const subscription = toUuid('sub', await api.activeSubscription(searched)) ?? '';
    // The oldest delivery has another type than the following 2,250.
    await api.deps.db.pool.query(
      `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
       SELECT posthorn_uuid_at(t), $1, posthorn_uuid_at(t), CASE n WHEN 1 THEN 'conversation:created' ELSE 'message:created' END, $2,
         'succeeded', 1, 0, t, t
       FROM (SELECT n, date_trunc('second', now()) - interval '1 hour' + n * interval '100 ms' AS t FROM generate_series(1, 2251) n) made`,
      [searched, subscription],
    );
    const page = async (query: string) =>
      (await api.call('GET', `/v1/accounts/${searched}/deliveries?limit=10&eventType=conversation:created${query}`))
        .json;
    const found: string[] = [];
    const searchedBackTo: (string | null)[] = [];
    let query = '';
    do {
      const { data, nextCursor, searchedBackTo: back } = await page(query);
      found.push(...data.map(({ event }: { event: string }) => event));
      searchedBackTo.push(back);
      query = nextCursor === null ? '' : `&cursor=${nextCursor}`;
    } while (query !== '');
    expect(found).toEqual(['conversation:created']);
    expect(searchedBackTo).toHaveLength(3);
    expect(searchedBackTo.at(-1)).toBeNull();
    const [first, second] = searchedBackTo.map((time) => Date.parse(time ?? ''));
    expect((first ?? 0) - (second ?? 0)).toBe(1_000 * 100);
    // A full page, or one without a filter, has no searchedBackTo.
    const { json: full } = await api.call(
      'GET',
      `/v1/accounts/${searched}/deliveries?limit=10&eventType=message:created`,
    );
    expect(full.searchedBackTo).toBeNull();
    const countOf = async (filters: string) =>
      (await api.call('GET', `/v1/accounts/${searched}/deliveries/count?${filters}`)).json;
    expect(await countOf('eventType=conversation:created')).toEqual({ count: 1, more: false });
    expect(await countOf('')).toEqual({ count: 2_251, more: false });
  });

  it('a delivery with more than 100 attempts shows the last 100, oldest first', async () => {
    await api.activeSubscription(account);
    await deliver();
    const [{ id }] = await list();
    await api.deps.db.pool.query(
      `INSERT INTO earlier_attempts (id, account_id, subscription_id, delivery_id, number, trigger, outcome, started_at, duration_ms,
         url, response_truncated)
       SELECT posthorn_uuidv7(), account_id, subscription_id, delivery_id, n, 'manual', outcome, started_at, duration_ms,
         url, response_truncated
       FROM attempts, generate_series(2, 105) n WHERE delivery_id = $1`,
      [toUuid('dlv', id)],
    );
    const numbers = (await get(id)).attempts.map(({ number }: { number: number }) => number);
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 6));
  });

  it('a delivery has exactly the documented fields and its attempts', async () => {
    const subscription = await api.activeSubscription(account);
    const event = await deliver();
    const [listed] = await list();
    expect(listed).toEqual({
      id: expect.stringMatching(/^dlv_/),
      accountId: account,
      eventId: event,
      event: 'message:created',
      subscriptionId: subscription,
      url: 'https://hooks.example.com/webhook',
      status: 'succeeded',
      statusReason: null,
      attemptCount: 1,
      maxAttempts: 12,
      lastAttempt: { outcome: 'ok', trigger: 'auto', statusCode: 200, durationMs: 3, at: TIME },
      nextAttemptAt: null,
      waitingFor: null,
      createdAt: TIME,
      completedAt: TIME,
    });
    expect(await get(listed.id)).toEqual({
      ...listed,
      attempts: [
        {
          id: expect.stringMatching(/^att_/),
          number: 1,
          trigger: 'auto',
          outcome: 'ok',
          statusCode: 200,
          startedAt: TIME,
          durationMs: 3,
          timings: { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2 },
          url: 'https://hooks.example.com/webhook',
          remoteAddress: '192.0.2.1',
          requestHeaders: {
            host: 'hooks.example.com',
            'content-type': 'application/json',
            'content-length': '50',
            accept: '*/*',
            'user-agent': 'Posthorn/test',
            'accept-encoding': 'identity',
            'webhook-id': listed.eventId,
            'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
            'webhook-signature': 'v1,••••',
          },
          responseHeaders: { server: 'test' },
          responseBody: 'thanks',
          responseTruncated: false,
          errorCode: null,
          error: null,
        },
      ],
    });
  });

  it.each([
    ['UTF-8', 'text/plain', Buffer.from('Grüße ☃'), 'Grüße ☃'],
    ['the charset of the content type', 'text/html; charset=Shift_JIS', Buffer.of(0x93, 0xfa, 0x96, 0x7b), '日本'],
    ['bytes that are not UTF-8, and a NUL', 'text/plain', Buffer.of(0x61, 0xff, 0, 0x62), 'aÿ\0b'],
  ])('shows a response body as text: %s', async (_what, contentType, body, text) => {
    await api.activeSubscription(account);
    api.respond(() => ({ ...REFUSED, body, responseHeaders: { 'content-type': contentType, 'x-note': 'Grüße' } }));
    await deliver();
    const [{ id }] = await list();
    expect((await get(id)).attempts[0]).toMatchObject({
      responseBody: text,
      responseHeaders: { 'content-type': contentType, 'x-note': 'Grüße' },
    });
  });

  it('an attempt has the code of its failure, whether it is an earlier one or the last; a successful one has none', async () => {
    await api.activeSubscription(account);
    const refused = { outcome: 'connect_error' as const, statusCode: null, errorCode: 'ECONNREFUSED', error: 'No.' };
    const expired = { outcome: 'tls_error' as const, statusCode: null, errorCode: 'CERT_HAS_EXPIRED', error: 'No.' };
    api.respond(() => refused);
    await deliver();
    const [{ id }] = await list();
    const codes = async () => (await get(id)).attempts.map(({ errorCode }: { errorCode: string | null }) => errorCode);
    expect(await codes()).toEqual(['ECONNREFUSED']);
    api.respond(() => expired);
    await retry(id);
    await api.work();
    api.respond(echo);
    await retry(id);
    await api.work();
    expect(await codes()).toEqual(['ECONNREFUSED', 'CERT_HAS_EXPIRED', null]);
  });

  it('after a failed attempt, it is pending with the time of the next one', async () => {
    await api.activeSubscription(account);
    api.respond(() => REFUSED);
    await deliver();
    expect(await list()).toMatchObject([
      { status: 'pending', attemptCount: 1, nextAttemptAt: TIME, completedAt: null },
    ]);
  });

  it('a waiting delivery says what it waits for: its schedule, the queue, or the resumption of its subscription', async () => {
    const subscription = await api.activeSubscription(account);
    const waitingFor = async () => (await get((await list())[0].id)).waitingFor;
    api.respond(() => REFUSED);
    await deliver();
    const [{ id, nextAttemptAt }] = await list();
    expect(await waitingFor()).toEqual({ state: 'scheduled', until: nextAttemptAt, behind: null });
    await retry(id);
    expect(await waitingFor()).toEqual({ state: 'leased', until: TIME, behind: null });
    await api.work();
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${subscription}/pause`);
    expect(await waitingFor()).toEqual({ state: 'held', until: null, behind: null });
  });

  it('in strict order, a waiting delivery names the delivery before it, or the event whose deliveries are not written yet', async () => {
    const subscription = await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/subscriptions/${subscription}`;
    await api.call('PATCH', path, { body: { ordering: 'strict' } });
    const publish = async () =>
      (await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } }))
        .json.id;
    const [first, second] = [await publish(), await publish()];
    const deliveryOf = async (event: string) =>
      (await api.call('GET', `/v1/accounts/${account}/deliveries?event=${event}`)).json.data[0].id as string;
    const [head, next] = [await deliveryOf(first), await deliveryOf(second)];
    const waitingFor = async (id: string) => (await get(id)).waitingFor;
    expect(await waitingFor(head)).toMatchObject({ behind: null });
    expect(await waitingFor(next)).toEqual({ state: 'deferred_order', until: null, behind: head });
    const { rows } = await api.deps.db.pool.query<{ id: string }>(
      `INSERT INTO fan_outs (event_id, account_id, event_type, expected, created_at, published_at)
       SELECT posthorn_uuidv7(), $1, 'message:created', 1, now(), now() - interval '1 hour' RETURNING event_id AS id`,
      [account],
    );
    expect(await waitingFor(head)).toEqual({
      state: 'deferred_order',
      until: null,
      behind: toTypeId('evt', rows[0]?.id ?? ''),
    });
    await api.deps.db.pool.query('DELETE FROM fan_outs WHERE account_id = $1', [account]);
    await api.call('PATCH', path, { body: { ordering: 'none' } });
    expect(await waitingFor(next)).toMatchObject({ behind: null });
  });

  it('filters by subscription, event, event type, status and time', async () => {
    const one = await api.activeSubscription(account);
    const other = await api.activeSubscription(account, { events: ['conversation:created'] });
    const message = await deliver();
    const conversation = await deliver('conversation:created');
    expect(await find(`?subscription=${other}`)).toEqual([[conversation, other]]);
    expect(await find(`?subscription=${other}&subscription=${one}`)).toHaveLength(3);
    expect(await find(`?event=${message}`)).toEqual([[message, one]]);
    expect(await find('?eventType=message:created')).toEqual([[message, one]]);
    expect(await find('?eventType=message:created&eventType=conversation:created')).toHaveLength(3);
    expect(await find('?eventType=message:created&status=canceled')).toEqual([]);
    expect(await find('?status=succeeded')).toHaveLength(3);
    expect(await find('?status=failed&status=pending')).toEqual([]);
    expect(await find('?from=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await find('?to=2100-01-01T00:00:00%2B02:00')).toHaveLength(3);
    expect(await find(`?subscription=${one}&event=${conversation}&status=succeeded`)).toEqual([[conversation, one]]);
  });

  it('filters by replay', async () => {
    const subscription = await api.activeSubscription(account);
    api.respond(() => ({ ...REFUSED, statusCode: 410 }));
    const failed = await deliver();
    api.respond(echo);
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${subscription}/resume`);
    await deliver();
    const { json } = await api.call('POST', `/v1/accounts/${account}/replays`, {
      body: { since: '2020-01-01T00:00:00Z', which: 'failed' },
    });
    await advanceReplays(api.deps.db, { atOnce: 100 });
    expect(await find(`?replay=${json.id}`)).toEqual([[failed, subscription]]);
    await api.work();
    expect(await find(`?replay=${json.id}&status=succeeded&trigger=replay&outcome=ok`)).toEqual([
      [failed, subscription],
    ]);
    expect(await find(`?replay=${json.id}&status=failed`)).toEqual([]);
    expect(await find(`?replay=${toTypeId('rpl', newId())}`)).toEqual([]);
    const another = await api.account();
    for (const query of [`replay=${json.id}`, `replay=${json.id}&outcome=ok`, `replay=${json.id}&event=${failed}`]) {
      const ofAnother = `/v1/accounts/${another}/deliveries`;
      expect((await api.call('GET', `${ofAnother}?${query}`)).json).toMatchObject({ data: [], nextCursor: null });
      expect((await api.call('GET', `${ofAnother}/count?${query}`)).json).toEqual({ count: 0, more: false });
    }
  });

  it('counts up to 10,000, and says if there are more', async () => {
    const subscription = toUuid('sub', await api.activeSubscription(account)) ?? '';
    const add = (deliveries: number) =>
      api.deps.db.pool.query(
        `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status)
         SELECT posthorn_delivery_id($2), $1, $2, 'message:created', $2, 'held' FROM generate_series(1, $3)`,
        [account, subscription, deliveries],
      );
    await add(10_000);
    expect(await count()).toEqual({ count: 10_000, more: false });
    await add(1);
    expect(await count('?eventType=message:created')).toEqual({ count: 10_000, more: true });
    expect((await api.call('GET', '/v1/accounts/nobody/deliveries/count')).status).toBe(404);
    expect((await api.call('GET', `/v1/accounts/${account}/deliveries/count?limit=5`)).status).toBe(422);
  });

  it('are found by a text in their payload, however JSON escapes it, and by the start of their id or the id of their event', async () => {
    const searched = await api.account();
    const subscription = await api.activeSubscription(searched);
    const publish = async (payload: string) =>
      (
        await api.call('POST', `/v1/accounts/${searched}/events`, {
          body: `{"event":"message:created","payload":${payload}}`,
        })
      ).json.id as string;
    const plain = await publish('{"from":"ada@example.com","text":"Grüße \\"x\\""}');
    const escaped = await publish('{"from":"bob@example.com","text":"Gr\\u00fc\\u00dfe"}');
    await api.deps.publisher.drain();
    const path = `/v1/accounts/${searched}`;
    const search = async (q: string, more = '') => {
      const query = `?q=${encodeURIComponent(q)}${more}`;
      const { json } = await api.call('GET', `${path}/deliveries${query}`);
      const { json: events } = await api.call('GET', `${path}/events${query}`);
      const { json: counted } = await api.call('GET', `${path}/deliveries/count${query}`);
      const found = json.data.map(({ eventId }: Delivery) => eventId);
      if (more === '') expect(counted).toEqual({ count: found.length, more: false });
      expect(json.searchedBackTo).toBeNull();
      return { found, events: events.data.map(({ id }: { id: string }) => id) };
    };
    const both = (...found: string[]) => ({ found, events: found });
    expect(await search('ada@example.com')).toEqual(both(plain));
    expect(await search('@example.com')).toEqual(both(escaped, plain));
    expect(await search('Grüße')).toEqual(both(escaped, plain));
    expect(await search('Grüße "x"')).toEqual(both(plain));
    expect(await search('ADA@')).toEqual(both());
    expect(await search(plain)).toEqual(both(plain));
    expect(await search(plain.slice(0, 7))).toEqual(both(escaped, plain));
    expect(await search(`${plain.toUpperCase()} `)).toEqual(both(plain));
    expect(await search(toUuid('evt', escaped) ?? '')).toEqual(both(escaped));
    expect(await search('@example.com', '&limit=1')).toMatchObject({ found: [escaped], events: [escaped] });
    const { data } = (await api.call('GET', `${path}/deliveries`)).json;
    for (const { id, eventId } of data) {
      expect((await search(id)).found).toEqual([eventId]);
      expect((await search(id.slice(0, -1))).found).toEqual([eventId]);
    }
    expect((await search(toUuid('sub', subscription) ?? '')).found).toEqual([escaped, plain]);
    const another = await api.account();
    for (const what of ['deliveries', 'events'])
      for (const q of ['@example.com', plain, data[0].id])
        expect((await api.call('GET', `/v1/accounts/${another}/${what}?q=${q}`)).json.data).toEqual([]);
  });

  it('a search for a text reads a part of the payloads per page: the page says how far back it searched, and the next one continues there', async () => {
    const searched = await api.account();
    const subscription = toUuid('sub', await api.activeSubscription(searched)) ?? '';
    const { pool } = api.deps.db;
    const make = (first: number, last: number, bytes: number) =>
      pool.query(
        `WITH event AS (
           INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
           SELECT posthorn_uuid_at(t), $1, 'message:created',
             convert_to('{"event":"message:created","payload":{"n":"n' || n || '.","x":"' || repeat('x', $4) || '"}}', 'UTF8'), 1, t
           FROM (SELECT n, date_trunc('second', now()) - interval '1 hour' + n * interval '100 ms' AS t FROM generate_series($2::int, $3::int) n) made
           RETURNING *
         )
         INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
         SELECT posthorn_delivery_id(id), account_id, id, type, $5, 'succeeded', 1, 0, created_at, created_at FROM event`,
        [searched, first, last, bytes, subscription],
      );
    const walk = async (what: string, q: string) => {
      const pages: { found: number; back: string | null }[] = [];
      let query = '';
      do {
        const { json } = await api.call('GET', `/v1/accounts/${searched}/${what}?limit=10&q=${q}${query}`);
        pages.push({ found: json.data.length, back: json.searchedBackTo });
        query = json.nextCursor === null ? '' : `&cursor=${json.nextCursor}`;
      } while (query !== '');
      return pages;
    };
    await make(1, 1_100, 10);
    for (const what of ['deliveries', 'events']) {
      const pages = await walk(what, 'n1.');
      expect(pages.map(({ found }) => found)).toEqual([0, 0, 1]);
      const [first = 0, second = 0] = pages.map(({ back }) => Date.parse(back ?? ''));
      expect([first - second, pages[2]?.back]).toEqual([500 * 100, null]);
    }
    // A page reads fewer payloads if they are large.
    await make(1_101, 1_160, 256_000);
    const pages = await walk('deliveries', 'n1101.');
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.reduce((sum, { found }) => sum + found, 0)).toBe(1);
  });

  const some = <T>(...items: T[]) => fc.subarray(items, { minLength: 1 });
  it('for all combinations of filters, paging returns each match once, newest first', async () => {
    const subscriptions: string[] = [];
    for (let n = 0; n < 3; n += 1) subscriptions.push(await api.activeSubscription(account));
    for (const subscription of [await api.activeSubscription(await api.account()), ...subscriptions]) {
      const { accountId, id } = await api.deps.db.prisma.subscription.findUniqueOrThrow({
        where: { id: toUuid('sub', subscription) ?? '' },
      });
      // Each possible combination of status, outcome (or none yet) and trigger.
      await api.deps.db.pool.query(
        `WITH made AS (
           SELECT posthorn_delivery_id(event) AS id, $1::varchar AS account_id, event AS event_id, $2::uuid AS subscription_id,
             CASE t WHEN 'auto' THEN 'message:created' ELSE 'conversation:created' END AS event_type, s::delivery_status AS status,
             now() AS created_at, CASE WHEN s = 'pending' THEN now() END AS due_at,
             CASE WHEN s NOT IN ('pending', 'held') THEN now() END AS completed_at, (o <> '')::int AS attempt_count, 0 AS failure_count,
             nullif(o, '')::attempt_outcome AS last_outcome, CASE WHEN o <> '' THEN t::attempt_trigger END AS last_trigger,
             CASE o WHEN 'ok' THEN 204 WHEN 'http_error' THEN CASE t WHEN 'auto' THEN 500 ELSE 503 END WHEN 'timeout' THEN 500 END AS last_status_code,
             CASE WHEN o <> '' THEN 7 END AS last_duration_ms, CASE WHEN o <> '' THEN now() END AS last_attempt_at
           FROM (
             SELECT posthorn_uuidv7() AS event, s, o, t
             FROM unnest('{pending,held,succeeded,failed,canceled}'::text[]) s, unnest('{"",ok,timeout,http_error}'::text[]) o, unnest('{auto,manual}'::text[]) t
           ) one
         ), pending AS (
           INSERT INTO pending_deliveries (${COLUMNS}, due_at)
           SELECT ${COLUMNS}, due_at FROM made WHERE completed_at IS NULL
         )
         INSERT INTO finished_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM made WHERE completed_at IS NOT NULL`,
        [accountId, id],
      );
    }
    const all: Delivery[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { json } = await api.call(
        'GET',
        `/v1/accounts/${account}/deliveries?limit=100${cursor && `&cursor=${cursor}`}`,
      );
      all.push(...json.data);
      cursor = json.nextCursor;
    }
    expect(all).toHaveLength(120);
    const asked = fc.record(
      {
        status: some('pending', 'held', 'succeeded', 'failed', 'canceled'),
        outcome: some('ok', 'timeout', 'http_error', 'dns_error'),
        statusCode: some('2xx', '5xx', '503', '500', '404'),
        trigger: some('auto', 'manual'),
        subscription: some(...subscriptions),
        eventType: some('message:created', 'conversation:created', 'conversation:updated'),
        event: fc.constantFrom(...all.slice(0, 5).map(({ eventId }) => [eventId])),
        limit: fc.integer({ min: 3, max: 40 }),
      },
      { requiredKeys: ['limit'] },
    );
    await fc.assert(
      fc.asyncProperty(asked, async ({ limit, ...filters }) => {
        const query = Object.entries(filters).flatMap(([name, values]) => values.map((value) => `&${name}=${value}`));
        const found: string[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page = `?limit=${limit}${query.join('')}${cursor && `&cursor=${cursor}`}`;
          const { json } = await api.call('GET', `/v1/accounts/${account}/deliveries${page}`);
          found.push(...json.data.map(({ id }: Delivery) => id));
          cursor = json.nextCursor;
        }
        const { status, outcome, statusCode, trigger, subscription, eventType, event } = filters as Partial<
          Record<keyof typeof filters, string[]>
        >;
        const fitting = all.filter(
          ({ status: is, lastAttempt, subscriptionId, event: type, eventId }) =>
            (status?.includes(is) ?? true) &&
            (outcome?.includes(lastAttempt?.outcome ?? '') ?? true) &&
            (statusCode?.some((code) => isOf(code, lastAttempt?.statusCode ?? null)) ?? true) &&
            (trigger?.includes(lastAttempt?.trigger ?? '') ?? true) &&
            (subscription?.includes(subscriptionId) ?? true) &&
            (eventType?.includes(type) ?? true) &&
            (event?.includes(eventId) ?? true),
        );
        expect(found).toEqual(fitting.map(({ id }) => id));
        expect(await count(`?${query.join('').slice(1)}`)).toEqual({ count: fitting.length, more: false });
      }),
      { numRuns: 25 },
    );
  });
});

describe('retry', () => {
  it('returns 202 and makes one attempt now, also of a succeeded delivery, with the same webhook-id', async () => {
    await api.activeSubscription(account);
    const event = await deliver();
    const [{ id }] = await list();
    api.posts.length = 0;
    const { status, json } = await retry(id);
    expect([status, json]).toMatchObject([202, { id, status: 'succeeded' }]);
    expect(json).not.toHaveProperty('attempts');
    await api.work();
    expect((await get(id)).attempts).toMatchObject([{ trigger: 'auto' }, { number: 2, trigger: 'manual' }]);
    expect(api.posts.map(({ webhookId }) => webhookId)).toEqual([event]);
  });

  it('two requests before the attempt make one attempt', async () => {
    await api.activeSubscription(account);
    await deliver();
    const [{ id }] = await list();
    await retry(id);
    await retry(id);
    await api.work();
    expect((await get(id)).attemptCount).toBe(2);
  });

  it('returns 422 if the subscription was deleted', async () => {
    const subscription = await api.activeSubscription(account);
    await deliver();
    const [{ id }] = await list();
    await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${subscription}`);
    const { status, json } = await retry(id);
    expect([status, json.code]).toEqual([422, 'invalid_request']);
    expect(json.detail).toContain('deleted');
  });
});
