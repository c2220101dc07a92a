import { toTypeId } from '@posthorn/contract';
import { advanceReplays, dispatch, tallyReplays } from '@posthorn/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { echo, openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
let subscription: string;
beforeAll(async () => void (api = await openTestApi()));
beforeEach(async () => {
  api.respond(echo);
  // So that the dispatcher finds no deliveries of earlier tests.
  await api.deps.db.pool.query(
    'TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries, earlier_attempts, events, replays',
  );
  account = await api.account();
  subscription = await api.activeSubscription(account);
  api.posts.length = 0;
});
afterAll(() => api.close());

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const since = '2020-01-01T00:00:00.000Z';
const replay = (body: object = {}, id = subscription) =>
  api.call('POST', `/v1/accounts/${account}/replays`, {
    body: { since, which: 'failed', subscriptions: [id], ...body },
  });
const get = async (path: string) => (await api.call('GET', `/v1/accounts/${account}/${path}`)).json;
const cancel = (id: string) => api.call('POST', `/v1/accounts/${account}/replays/${id}/cancel`);
/** What the workers do for a replay whose deliveries are all finished. */
async function tally(): Promise<void> {
  await api.deps.db.pool.query('UPDATE replays SET tally_at = now()');
  await tallyReplays(api.deps.db.pool);
}
const advance = (atOnce = 500) => advanceReplays(api.deps.db, { atOnce });

/** Runs the dispatcher and the workers until nothing is due. */
async function deliver(): Promise<void> {
  for (let isMore = true; isMore;) {
    const round = await dispatch(api.deps);
    await api.work();
    isMore = round.enqueued > 0 || round.isMoreDue;
  }
}

/** Creates failed deliveries of the subscription with the given number of attempts each. */
async function failMany(many: number, { attempts = 1 } = {}): Promise<void> {
  await api.deps.db.pool.query(
    `WITH subscription AS (
       SELECT id FROM subscriptions WHERE account_id = $1
     ), event AS (
       INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
       SELECT posthorn_uuidv7(), $1, 'message:created', '{"event":"message:created","payload":{}}', 1, now() FROM generate_series(1, $2)
       RETURNING id
     ), delivery AS (
       INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, created_at, completed_at)
       SELECT posthorn_delivery_id(event.id), $1, event.id, 'message:created', subscription.id, 'failed', 'exhausted', $3, $3, now(), now() FROM event, subscription
       RETURNING id, subscription_id
     )
     INSERT INTO earlier_attempts (id, account_id, subscription_id, delivery_id, number, trigger, outcome, started_at, duration_ms, url, response_truncated)
     SELECT posthorn_uuidv7(), $1, subscription_id, id, number, 'auto', 'timeout', now(), 1, 'https://hooks.example.com/webhook', false
     FROM delivery, generate_series(1, $3) AS number`,
    [account, many, attempts],
  );
}

const filters = () => ({
  which: 'failed',
  accounts: [account],
  subscriptions: [subscription],
  eventTypes: null,
  event: null,
  statuses: ['failed', 'canceled'],
  outcomes: null,
  statusCodes: null,
  triggers: null,
  replay: null,
  q: null,
  since,
});

describe('replay', () => {
  it('returns 202 and the replay with exactly the documented fields; its progress can be read until it completes', async () => {
    await failMany(3);
    const { status, json } = await replay();
    expect([status, json]).toEqual([
      202,
      {
        id: expect.stringMatching(/^rpl_/),
        accountId: account,
        ...filters(),
        until: TIME,
        status: 'running',
        matched: 3,
        more: false,
        queued: 0,
        delivered: 0,
        failed: 0,
        pending: 0,
        createdAt: TIME,
        endedAt: null,
      },
    ]);
    await advance(2);
    expect(await get(`replays/${json.id}`)).toEqual({ ...json, queued: 2, pending: 2 });
    await advance(2);
    expect(await get(`replays/${json.id}`)).toEqual({ ...json, status: 'delivering', queued: 3, pending: 3 });
    await deliver();
    await tally();
    expect(await get(`replays/${json.id}`)).toEqual({
      ...json,
      status: 'completed',
      queued: 3,
      delivered: 3,
      endedAt: TIME,
    });
    expect(api.posts).toHaveLength(3);
    const [{ id }] = (await get('deliveries')).data;
    expect((await get(`deliveries/${id}`)).attempts).toMatchObject([{ trigger: 'auto' }, { trigger: 'replay' }]);
  });

  it('a dry run returns 200 with the same count and stores nothing', async () => {
    await failMany(3);
    const before = await api.counts();
    const { status, json } = await replay({ dryRun: true });
    expect([status, json]).toEqual([
      200,
      {
        id: null,
        accountId: account,
        ...filters(),
        until: TIME,
        status: 'dry_run',
        matched: 3,
        more: false,
        subscriptionCount: 1,
        accountCount: 1,
      },
    ]);
    expect(await api.counts()).toEqual(before);
    expect((await replay()).json.matched).toBe(3);
  });

  it('sends a missed event that is older than the subscription', async () => {
    const fresh = await api.account();
    const { json: event } = await api.call('POST', `/v1/accounts/${fresh}/events`, {
      body: { event: 'message:created', payload: { id: 'm1' } },
    });
    account = fresh;
    const id = await api.activeSubscription(fresh);
    api.posts.length = 0;
    expect((await replay({ which: 'missed' }, id)).json).toMatchObject({ which: 'missed', matched: 1 });
    await advance();
    await deliver();
    expect(api.posts.map(({ webhookId }) => webhookId)).toEqual([event.id]);
  });

  it('uses the given range; an until in the future means now', async () => {
    const past = '2020-02-01T01:00:00+01:00';
    expect((await replay({ until: past, dryRun: true })).json.until).toBe('2020-02-01T00:00:00.000Z');
    const { json } = await replay({ until: '2999-01-01T00:00:00Z', dryRun: true });
    expect(Date.parse(json.until)).toBeLessThanOrEqual(Date.now());
  });

  it('returns 409 while a replay is running, with its id; a dry run does not count', async () => {
    const { json: first } = await replay();
    const { status, json } = await replay({ which: 'missed' });
    expect([status, json.code]).toEqual([409, 'replay_running']);
    expect(json.detail).toContain(first.id);
    expect((await replay({ dryRun: true })).status).toBe(200);
    await cancel(first.id);
    expect((await replay()).status).toBe(202);
  });

  it.each([
    ['disable', 'resume it first'],
    ['unverified', 'verify it first'],
  ])('returns 422 with the fix while the subscription receives nothing (%s)', async (how, advice) => {
    if (how === 'disable') await api.call('POST', `/v1/accounts/${account}/subscriptions/${subscription}/disable`);
    else
      subscription = (
        await api.call('POST', `/v1/accounts/${account}/subscriptions`, { body: { url: 'https://hooks.example.com/' } })
      ).json.id;
    for (const dryRun of [false, true]) {
      const { status, json } = await replay({ dryRun });
      expect([status, json.code]).toEqual([422, 'invalid_request']);
      expect(json.detail).toContain(advice);
    }
  });

  it('returns 422 for a subscription that was deleted or is another account’s; its replays stay readable', async () => {
    const { json } = await replay();
    await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${subscription}`);
    const strange = await api.activeSubscription(await api.account());
    for (const id of [subscription, strange]) {
      const refused = await replay({}, id);
      expect([refused.status, refused.json.errors]).toEqual([
        422,
        [{ path: 'subscriptions', message: `the subscription ${id} does not exist` }],
      ]);
    }
    await advance();
    expect(await get(`replays/${json.id}`)).toMatchObject({ status: 'canceled' });
  });
});

describe('replays', () => {
  it('lists newest first, by subscription, page by page', async () => {
    const other = await api.activeSubscription(account);
    const ids: string[] = [];
    for (const id of [subscription, other, subscription]) {
      const { json } = await replay({}, id);
      ids.unshift(json.id);
      await cancel(json.id);
    }
    const listed = async (query: string) => (await get(`replays${query}`)).data.map((row: { id: string }) => row.id);
    expect(await listed('')).toEqual(ids);
    expect(await listed(`?subscription=${subscription}`)).toEqual([ids[0], ids[2]]);
    expect(await listed(`?subscription=${subscription}&subscription=${other}`)).toEqual(ids);
    const { data, nextCursor } = await get('replays?limit=2');
    expect(data).toHaveLength(2);
    expect(await listed(`?limit=2&cursor=${nextCursor}`)).toEqual([ids[2]]);
    expect(data[0]).toEqual(await get(`replays/${ids[0]}`));
  });

  it('cancel keeps the queued deliveries; repeating it changes nothing', async () => {
    await failMany(5);
    const { json } = await replay();
    await advance(2);
    const { status, json: canceled } = await cancel(json.id);
    expect([status, canceled]).toEqual([200, { ...json, status: 'canceled', queued: 2, pending: 2, endedAt: TIME }]);
    expect((await cancel(json.id)).json).toEqual(canceled);
    await advance(2);
    expect(await get(`replays/${json.id}`)).toEqual(canceled);
  });

  it('paging a list while 1,000 of its deliveries are replayed returns each once (V4)', async () => {
    await failMany(1_000, { attempts: 5 });
    const { json } = await replay();
    expect(json.matched).toBe(1_000);
    const ids: string[] = [];
    for (let cursor = ''; ;) {
      const page = await get(`deliveries?subscription=${subscription}&limit=100${cursor && `&cursor=${cursor}`}`);
      ids.push(...page.data.map((row: { id: string }) => row.id));
      await advance(150);
      await deliver();
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect([ids.length, new Set(ids).size]).toEqual([1_000, 1_000]);
    await deliver();
    await tally();
    expect(await get(`replays/${json.id}`)).toMatchObject({ status: 'completed', queued: 1_000, delivered: 1_000 });
    expect(api.posts).toHaveLength(1_000);
    expect((await get(`deliveries/${ids[500]}`)).attempts).toHaveLength(6);
  });
});

describe('the filters', () => {
  it('a replay sends what the list of deliveries shows for the same filters', async () => {
    await failMany(8);
    await api.deps.db.pool.query(
      `UPDATE finished_deliveries d SET
         last_outcome = (ARRAY['http_error', 'timeout', 'http_error', 'connect_error']::attempt_outcome[])[1 + n % 4],
         last_status_code = (ARRAY[503, NULL, 404, NULL]::int[])[1 + n % 4],
         last_trigger = (ARRAY['auto', 'manual']::attempt_trigger[])[1 + n % 2],
         status = CASE WHEN n < 4 THEN d.status ELSE 'canceled' END
       FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1)::int AS n FROM finished_deliveries) r WHERE r.id = d.id`,
    );
    const { rows } = await api.deps.db.pool.query<{ id: string }>(
      `SELECT event_id AS id FROM finished_deliveries WHERE last_status_code = 503 AND status = 'failed'`,
    );
    const event = toTypeId('evt', rows[0]?.id ?? '');
    await api.deps.db.pool.query('UPDATE events SET body = $2 WHERE id = $1', [
      rows[0]?.id,
      Buffer.from('{"event":"message:created","payload":{"email":"ada@example.com"}}'),
    ]);
    const cases: [query: string, body: object, count: number][] = [
      ['', {}, 8],
      ['statusCode=5xx', { statusCodes: ['5xx'] }, 2],
      ['statusCode=404&statusCode=503', { statusCodes: ['404', '503'] }, 4],
      ['trigger=manual', { triggers: ['manual'] }, 4],
      ['outcome=timeout&outcome=http_error', { outcomes: ['timeout', 'http_error'] }, 6],
      ['trigger=auto&statusCode=4xx', { triggers: ['auto'], statusCodes: ['4xx'] }, 2],
      ['eventType=message:created', { eventTypes: ['message:created'] }, 8],
      ['eventType=other:type', { eventTypes: ['other:type'] }, 0],
      [`event=${event}`, { event }, 1],
      ['q=ada@example.com', { q: 'ada@example.com' }, 1],
      [`q=${event}`, { q: event }, 1],
    ];
    for (const [query, body, count] of cases) {
      const listed = (await get(`deliveries?status=failed&status=canceled&${query}`)).data;
      expect([query, listed.length]).toEqual([query, count]);
      const { json } = await replay({ ...body, dryRun: true });
      expect([query, json.matched, json.more]).toEqual([query, count, false]);
    }
    const { json } = await replay({ statusCodes: ['5xx'], q: event });
    expect(json).toMatchObject({ matched: 1, statusCodes: ['5xx'], triggers: null, replay: null, q: event });
    await advance();
    const { json: again } = await replay({ replay: json.id, since: undefined, statuses: ['failed'], dryRun: true });
    expect(again).toMatchObject({ matched: 0, replay: json.id, since: '1970-01-01T00:00:00.000Z' });
  });

  it('returns 422 for a replay that does not exist or is another account’s', async () => {
    const { json: own } = await replay();
    account = await api.account();
    subscription = await api.activeSubscription(account);
    const { status, json } = await replay({ replay: own.id });
    expect([status, json.errors]).toEqual([422, [{ path: 'replay', message: `the replay ${own.id} does not exist` }]]);
  });
});

describe('an event', () => {
  it('is sent to chosen subscriptions, again or for the first time', async () => {
    const { json: event } = await api.call('POST', `/v1/accounts/${account}/events`, {
      body: { event: 'message:created', payload: { id: 'm1' } },
    });
    await api.deps.publisher.drain();
    await api.work();
    const added = await api.activeSubscription(account);
    await api.activeSubscription(account);
    api.posts.length = 0;
    const again = { event: event.id, statuses: ['succeeded'], since: undefined };
    const first = { event: event.id, which: 'missed', since: undefined };
    expect((await replay(again)).json).toMatchObject({ matched: 1, event: event.id, statuses: ['succeeded'] });
    expect((await replay(first, added)).json).toMatchObject({ matched: 1, statuses: null });
    await advance();
    await deliver();
    expect(api.posts.map(({ webhookId }) => webhookId)).toEqual([event.id, event.id]);
    const unknown = event.id.replace(/.$/, (last: string) => (last === '0' ? '1' : '0'));
    const refused = await replay({ event: unknown });
    expect([refused.status, refused.json.errors[0].path]).toEqual([422, 'event']);
  });
});

describe('the operators', () => {
  const start = (body: object = {}) => api.call('POST', '/v1/replays', { body: { since, which: 'failed', ...body } });

  it('replay for all accounts or some; see, list and cancel every replay', async () => {
    await failMany(3);
    const { status, json } = await start();
    expect([status, json]).toMatchObject([202, { accountId: null, accounts: null, subscriptions: null, matched: 3 }]);
    expect((await start({ accounts: [account], dryRun: true })).json).toMatchObject({ matched: 3, accountCount: 1 });
    expect((await start({ accounts: ['nobody'] })).json.errors).toEqual([
      { path: 'accounts', message: 'the account nobody does not exist' },
    ]);
    await advance(2);
    const { json: own } = await replay();
    const read = async (path: string) => (await api.call('GET', `/v1/replays${path}`)).json;
    expect(await read(`/${json.id}`)).toEqual({ ...json, queued: 2, pending: 2 });
    expect((await read('')).data.map((one: { id: string }) => one.id)).toEqual([own.id, json.id]);
    expect((await read(`?account=${account}`)).data).toEqual([await read(`/${own.id}`)]);
    for (const { id } of [json, own]) {
      expect((await api.call('POST', `/v1/replays/${id}/cancel`)).json).toMatchObject({ id, status: 'canceled' });
    }
  });

  it('read the progress of a replay by account, page by page; for an account’s replay it is the progress of the replay', async () => {
    await failMany(3);
    const first = account;
    account = await api.account();
    subscription = await api.activeSubscription(account);
    await failMany(2);
    const { json } = await start();
    await advance();
    const read = async (path: string) => (await api.call('GET', `/v1/replays/${path}`)).json;
    const rows = [
      { accountId: first, queued: 3, delivered: 0, failed: 0, pending: 3 },
      { accountId: account, queued: 2, delivered: 0, failed: 0, pending: 2 },
    ].toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1));
    expect(await read(`${json.id}/accounts`)).toEqual({ data: rows, nextCursor: null });
    const page = await read(`${json.id}/accounts?limit=1`);
    expect(page.data).toEqual([rows[0]]);
    expect((await read(`${json.id}/accounts?limit=1&cursor=${page.nextCursor}`)).data).toEqual([rows[1]]);
    const { json: own } = await replay();
    const ofOne = { accountId: account, queued: 0, delivered: 0, failed: 0, pending: 0 };
    expect(await read(`${own.id}/accounts`)).toEqual({ data: [ofOne], nextCursor: null });
  });

  it('an account does not see replays of operators, but can list its own deliveries of one', async () => {
    await failMany(3);
    const { json } = await start();
    await advance();
    expect((await api.call('GET', `/v1/accounts/${account}/replays/${json.id}`)).status).toBe(404);
    expect((await api.call('POST', `/v1/accounts/${account}/replays/${json.id}/cancel`)).status).toBe(404);
    expect((await get('replays')).data).toEqual([]);
    expect((await get(`deliveries?replay=${json.id}`)).data).toHaveLength(3);
    expect((await get(`deliveries/count?replay=${json.id}`)).count).toBe(3);
    const other = await api.account();
    expect((await api.call('GET', `/v1/accounts/${other}/deliveries?replay=${json.id}`)).json.data).toEqual([]);
  });
});
