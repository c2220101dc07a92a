import { advanceReplays, dispatch } from '@posthorn/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { echo, openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
let subscription: string;
beforeAll(async () => void (api = await openTestApi()));
beforeEach(async () => {
  api.answer(echo);
  // Or the dispatcher would bring what earlier tests left.
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
  api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/replay`, {
    body: { since, which: 'failed', ...body },
  });
const get = async (path: string) => (await api.call('GET', `/v1/accounts/${account}/${path}`)).json;
const cancel = (id: string) => api.call('POST', `/v1/accounts/${account}/replays/${id}/cancel`);
const advance = (atOnce = 500) => advanceReplays(api.deps.db, { atOnce });

/** What the dispatcher and the workers do, until nothing is due. */
async function deliver(): Promise<void> {
  for (let isMore = true; isMore;) {
    const round = await dispatch(api.deps);
    await api.work();
    isMore = round.enqueued > 0 || round.isMoreDue;
  }
}

/** Many deliveries of the subscription that failed, after so many attempts each. */
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

describe('replay', () => {
  it('202: the replay, with exactly the documented fields; its progress can be read until it is done', async () => {
    await failMany(3);
    const { status, json } = await replay();
    expect([status, json]).toEqual([
      202,
      {
        id: expect.stringMatching(/^rpl_/),
        accountId: account,
        subscriptionId: subscription,
        which: 'failed',
        since,
        until: TIME,
        status: 'running',
        matched: 3,
        queued: 0,
        succeeded: 0,
        failed: 0,
        pending: 0,
        createdAt: TIME,
        endedAt: null,
      },
    ]);
    await advance(2);
    expect(await get(`replays/${json.id}`)).toEqual({ ...json, queued: 2, pending: 2 });
    await advance(2);
    await deliver();
    expect(await get(`replays/${json.id}`)).toEqual({
      ...json,
      status: 'completed',
      queued: 3,
      succeeded: 3,
      endedAt: TIME,
    });
    expect(api.posts).toHaveLength(3);
    const [{ id }] = (await get('deliveries')).data;
    expect((await get(`deliveries/${id}`)).attempts).toMatchObject([{ trigger: 'auto' }, { trigger: 'replay' }]);
  });

  it('a dry run: 200, the same count, and nothing is stored', async () => {
    await failMany(3);
    const before = await api.counts();
    const { status, json } = await replay({ dryRun: true });
    expect([status, json]).toEqual([
      200,
      {
        id: null,
        accountId: account,
        subscriptionId: subscription,
        which: 'failed',
        since,
        until: TIME,
        status: 'dry_run',
        matched: 3,
      },
    ]);
    expect(await api.counts()).toEqual(before);
    expect((await replay()).json.matched).toBe(3);
  });

  it('what is missing: an event from before the subscription', async () => {
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

  it('the range is taken as it was given; until the future is until now', async () => {
    const past = '2020-02-01T01:00:00+01:00';
    expect((await replay({ until: past, dryRun: true })).json.until).toBe('2020-02-01T00:00:00.000Z');
    const { json } = await replay({ until: '2999-01-01T00:00:00Z', dryRun: true });
    expect(Date.parse(json.until)).toBeLessThanOrEqual(Date.now());
  });

  it('409 while one is running, which it names; a dry run is no replay', async () => {
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
  ])('422 while it receives nothing (%s), and what to do about it', async (how, advice) => {
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

  it('404 for a subscription that was deleted; its replays stay readable', async () => {
    const { json } = await replay();
    await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${subscription}`);
    expect((await replay()).status).toBe(404);
    await advance();
    expect(await get(`replays/${json.id}`)).toMatchObject({ status: 'canceled' });
  });
});

describe('replays', () => {
  it('newest first, by subscription, page by page', async () => {
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

  it('canceled in the middle: what was replayed stays; repeating it changes nothing', async () => {
    await failMany(5);
    const { json } = await replay();
    await advance(2);
    const { status, json: canceled } = await cancel(json.id);
    expect([status, canceled]).toEqual([200, { ...json, status: 'canceled', queued: 2, pending: 2, endedAt: TIME }]);
    expect((await cancel(json.id)).json).toEqual(canceled);
    await advance(2);
    expect(await get(`replays/${json.id}`)).toEqual(canceled);
  });

  it('1,000 with five attempts each, replayed while their list is paged: each is in it once (V4)', async () => {
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
    expect(await get(`replays/${json.id}`)).toMatchObject({ status: 'completed', queued: 1_000, succeeded: 1_000 });
    expect(api.posts).toHaveLength(1_000);
    expect((await get(`deliveries/${ids[500]}`)).attempts).toHaveLength(6);
  });
});
