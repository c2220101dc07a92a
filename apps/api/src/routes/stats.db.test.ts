import { ATTEMPT_OUTCOMES } from '@posthorn/contract';
import { findShardsToFold, foldStats } from '@posthorn/core';
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

const get = (path: string, key?: string) => api.call('GET', path, key === undefined ? {} : { key });
const stats = async (query = '') => (await get(`/v1/accounts/${account}/stats${query}`)).json;

async function publish(event = 'message:created', times = 1): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await api.call('POST', `/v1/accounts/${account}/events`, { body: { event, payload: {} } });
  }
  await api.deps.publisher.drain();
  await api.work();
}

const NOTHING = {
  accepted: 0,
  deliveries: { succeeded: 0, failed: 0 },
  attempts: { total: 0, ok: 0, failed: 0 },
  successRate: null,
  p50Ms: null,
  p95Ms: null,
};

describe('statistics of an account', () => {
  it('count immediately, and the same after they are folded', async () => {
    const one = await api.activeSubscription(account, { events: ['message:*'] });
    await publish('message:created', 3);
    api.respond(() => ({ ...REFUSED, durationMs: 100 }));
    await publish();
    await publish('conversation:created');
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${one}/test`, { body: {} });
    await api.work();
    const periodStats = {
      accepted: 6, // includes the test event
      deliveries: { succeeded: 3, failed: 0 },
      attempts: { total: 5, ok: 3, failed: 2 },
      successRate: 0.6,
      p50Ms: 3,
    };
    for (const pass of ['at once', 'rolled up']) {
      const { totals, previous, buckets, granularity } = await stats();
      expect({ pass, ...totals }).toMatchObject({
        pass,
        ...periodStats,
        byStatusCode: [
          { statusCode: 200, attempts: 3 },
          { statusCode: 500, attempts: 2 },
        ],
        byEventType: [
          { event: 'message:created', accepted: 5, attempts: { total: 5 } },
          { event: 'conversation:created', accepted: 1, ...({ attempts: { total: 0 } } as object) },
        ],
      });
      expect(Object.keys(totals.byOutcome).toSorted()).toEqual([...ATTEMPT_OUTCOMES].toSorted());
      expect(totals.byOutcome).toMatchObject({ ok: 3, http_error: 2, timeout: 0 });
      expect(Math.abs(totals.p95Ms - 100)).toBeLessThanOrEqual(9);
      expect(previous).toMatchObject(NOTHING);
      expect(previous.to).toBe(totals.from);
      expect(Date.parse(totals.to) - Date.parse(totals.from)).toBe(Date.parse(previous.to) - Date.parse(previous.from));
      expect([granularity, [24, 25].includes(buckets.length)]).toEqual(['hour', true]);
      expect(buckets[0]).toEqual({ at: totals.from, ...NOTHING });
      const counted = buckets.reduce((sum: number, { attempts }: typeof NOTHING) => sum + attempts.total, 0);
      expect(counted).toBe(5);
      for (const shard of await findShardsToFold(api.deps.db.pool))
        await foldStats(api.deps.db.pool, { shard, atOnce: 100 });
    }
  });

  it('filter by event type, and by subscription, which has no accepted events', async () => {
    const one = await api.activeSubscription(account);
    const other = await api.activeSubscription(account, { events: ['conversation:created'] });
    await publish('message:created', 2);
    await publish('conversation:created');
    expect((await stats('?eventType=conversation:created')).totals).toMatchObject({
      accepted: 1,
      attempts: { total: 2 },
    });
    const ofOne = await stats(`?subscription=${one}`);
    expect(ofOne.totals).toMatchObject({ accepted: null, attempts: { total: 3 } });
    expect(ofOne.buckets[0].accepted).toBeNull();
    expect((await stats(`?subscription=${other}&eventType=message:created`)).totals.attempts.total).toBe(0);
  });

  it('returns 404 for a subscription of another account, and for an unknown account', async () => {
    const foreign = await api.activeSubscription(await api.account());
    expect((await get(`/v1/accounts/${account}/stats?subscription=${foreign}`)).status).toBe(404);
    expect((await get('/v1/accounts/nobody/stats')).status).toBe(404);
  });

  it('statistics of all accounts are for operators', async () => {
    const before = (await get('/v1/stats')).json.totals.accepted;
    await publish();
    account = await api.account();
    await publish('message:created', 2);
    expect((await get('/v1/stats')).json.totals.accepted).toBe(before + 3);
    expect((await get('/v1/stats', await api.key(account))).status).toBe(403);
  });
});

describe('the period', () => {
  const ago = (minutes: number) => encodeURIComponent(new Date(Date.now() - minutes * 60_000).toISOString());

  it.each([
    [10, 'minute'],
    [58, 'minute'],
    [4 * 60, '5minutes'],
    [14 * 60, '15minutes'],
    [24 * 60, 'hour'],
    [58 * 60, 'hour'],
    [14 * 24 * 60, '6hours'],
    [58 * 24 * 60, 'day'],
    [400 * 24 * 60, 'week'],
  ])('%s minutes use %s: the shortest that covers them with 60 buckets', async (minutes, granularity) => {
    const calledAt = Date.now();
    const result = await stats(`?from=${ago(minutes)}`);
    expect(result.granularity).toBe(granularity);
    expect(result.buckets.length).toBeLessThanOrEqual(60);
    const [first, second] = result.buckets;
    expect(result.totals.from).toBe(first.at);
    expect(Date.parse(result.totals.from)).toBeLessThanOrEqual(Date.now() - minutes * 60_000);
    const widthMs = Date.parse(second.at) - Date.parse(first.at);
    expect(Date.parse(result.totals.to)).toBe(Date.parse(first.at) + result.buckets.length * widthMs);
    expect(Date.parse(result.totals.to)).toBeGreaterThanOrEqual(calledAt);
  });

  it('of a subscription has hours as the shortest granularity', async () => {
    const one = await api.activeSubscription(account);
    const result = await stats(`?subscription=${one}&from=${ago(10)}`);
    expect(result.granularity).toBe('hour');
    const { status, json } = await get(
      `/v1/accounts/${account}/stats?subscription=${one}&from=${ago(10)}&granularity=minute`,
    );
    expect([status, json.errors[0].path]).toEqual([422, 'granularity']);
  });

  it('weeks start on Mondays and days at midnight, in UTC', async () => {
    const weeks = await stats('?from=2026-01-01T00:00:00Z&to=2026-01-20T00:00:00Z&granularity=week');
    expect(weeks.buckets.map(({ at }: { at: string }) => at.slice(0, 10))).toEqual([
      '2025-12-29',
      '2026-01-05',
      '2026-01-12',
      '2026-01-19',
    ]);
    const days = await stats('?from=2026-01-01T10:00:00%2B12:00&to=2026-01-02T00:00:00Z&granularity=day');
    expect(days.buckets.map(({ at }: { at: string }) => at)).toEqual([
      '2025-12-31T00:00:00.000Z',
      '2026-01-01T00:00:00.000Z',
    ]);
  });

  it.each([
    ['from=2100-01-01T00:00:00Z', 'from'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['from=1970-01-01T00:00:00Z', 'from'],
    ['from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z&granularity=minute', 'granularity'],
    ['from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&granularity=hour', 'granularity'],
    ['granularity=second', 'granularity'],
    ['from=yesterday', 'from'],
  ])('%s: 422 that names %s', async (query, path) => {
    const { status, json } = await get(`/v1/accounts/${account}/stats?${query}`);
    expect([status, json.errors[0].path]).toEqual([422, path]);
  });
});

describe('?stats=24h', () => {
  it('adds stats to each subscription of a page, and to a single one', async () => {
    const idle = await api.activeSubscription(account, { events: ['conversation:created'] });
    const busy = await api.activeSubscription(account);
    await publish('message:created', 3);
    api.respond(() => ({ ...REFUSED, durationMs: 100 }));
    await publish();
    const path = `/v1/accounts/${account}/subscriptions`;
    const { json } = await get(`${path}?stats=24h`);
    expect(json.data.map(({ id }: { id: string }) => id)).toEqual([busy, idle]);
    const [ofBusy, ofIdle] = json.data.map(({ stats: result }: { stats: object }) => result);
    expect(ofBusy).toMatchObject({
      attempts: 4,
      succeeded: 3,
      successRate: 0.75,
      lastDelivery: { status: 'pending', lastAttempt: { outcome: 'http_error', statusCode: 500, durationMs: 100 } },
      waiting: { count: 1, more: false, oldestCreatedAt: ofBusy.lastDelivery.createdAt },
    });
    expect(Math.abs(ofBusy.p95Ms - 100)).toBeLessThanOrEqual(9);
    expect(ofBusy.sparkline).toHaveLength(24);
    const sums = ofBusy.sparkline.reduce(
      ([ok, bad]: number[], { succeeded, failed }: { succeeded: number; failed: number }) => [
        (ok ?? 0) + succeeded,
        (bad ?? 0) + failed,
      ],
      [0, 0],
    );
    expect(sums).toEqual([3, 1]);
    expect(ofIdle).toMatchObject({ attempts: 0, succeeded: 0, successRate: null, p95Ms: null, lastDelivery: null });
    expect(ofIdle.waiting).toEqual({ count: 0, more: false, oldestCreatedAt: null });
    expect((await get(`${path}/${busy}?stats=24h`)).json.stats).toEqual(ofBusy);
    expect((await get(path)).json.data[0]).not.toHaveProperty('stats');
    expect((await get(`${path}?stats=7d`)).status).toBe(422);
  });

  it('adds stats to each account of a page, and to a single one', async () => {
    await api.activeSubscription(account);
    await api.activeSubscription(account);
    await publish();
    const other = await api.account();
    const { json } = await get('/v1/accounts?stats=24h');
    const of = (id: string) => json.data.find((one: { id: string }) => one.id === id).stats;
    const result = {
      subscriptions: 2,
      accepted: 1,
      deliveries: { succeeded: 2, failed: 0 },
      attempts: 2,
      successRate: 1,
      waiting: { count: 0, more: false, oldestCreatedAt: null },
    };
    expect(of(account)).toEqual(result);
    expect(of(other)).toMatchObject({ subscriptions: 0, accepted: 0, attempts: 0, successRate: null });
    expect((await get(`/v1/accounts/${account}?stats=24h`)).json.stats).toEqual(result);
    expect((await get(`/v1/accounts/${account}`)).json).not.toHaveProperty('stats');
  });
});

describe('the number of subscriptions of an event type', () => {
  it('counts those of the account; for operators, those of all accounts', async () => {
    const countFor = async (key?: string) => (await get('/v1/event-types/message:created', key)).json.subscriptionCount;
    const before = await countFor();
    for (const events of [[], ['message:*'], ['message:created', 'x:y'], ['message:*', 'message:created']]) {
      if (!events.includes('x:y')) await api.activeSubscription(account, { events });
    }
    await api.activeSubscription(account, { events: ['conversation:*'] });
    const paused = await api.activeSubscription(account, { events: ['message:created'] });
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${paused}/pause`);
    const deleted = await api.activeSubscription(account);
    await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${deleted}`);
    await api.activeSubscription(await api.account());
    const key = await api.key(account);
    expect([await countFor(key), await countFor()]).toEqual([4, before + 5]);
    const { json } = await get('/v1/event-types?limit=100', key);
    const counts = json.data.map((row: { name: string; subscriptionCount: number }) => [
      row.name,
      row.subscriptionCount,
    ]);
    expect(counts).toContainEqual(['message:created', 4]);
    expect(counts).toContainEqual(['conversation:updated', 2]);
  });

  it('counts only those that name a notification, because others do not get it', async () => {
    const countFor = async (key?: string) =>
      (await get('/v1/event-types/subscription:failing', key)).json.subscriptionCount;
    const before = await countFor();
    for (const events of [[], ['subscription:*'], ['subscription:failing']])
      await api.activeSubscription(account, { events });
    expect([await countFor(await api.key(account)), await countFor()]).toEqual([1, before + 1]);
  });
});
