import fc from 'fast-check';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PostResult } from '@posthorn/sender';
import { deleteAccount } from '../accounts/delete-account.js';
import { requestRetry } from '../deliver/request-retry.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { sendTest } from '../subscriptions/send-test.js';
import type { Counts } from './counts.js';
import { dropOldStats } from './drop-old-stats.js';
import { SHARDS } from '../shards.js';
import { findShardsToFold, foldStats } from './fold-stats.js';
import { readAccountDays, readLastDeliveries, readSubscriptionDays } from './read-day.js';
import { readStats, type StatsWanted } from './read-stats.js';
import { bucketMs, DURATION_BUCKET, percentileMs } from './stat.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let ledger: Ledger;
let pool: pg.Pool;
beforeEach(async () => {
  ledger = await openLedger();
  ({ pool } = ledger.db);
});
afterEach(() => ledger.close());

const foldAll = async (): Promise<void> => {
  for (const shard of await findShardsToFold(pool)) while ((await foldStats(pool, { shard, atOnce: 7 })) !== 0);
};

/** A query around now, by the hour. */
function today(wanted: Partial<StatsWanted> = {}): StatsWanted {
  const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const range = { from: new Date(hour - 2 * HOUR_MS), to: new Date(hour + 2 * HOUR_MS), bucketMs: HOUR_MS };
  return { accountId: null, subscriptionId: null, eventType: null, ...range, ...wanted };
}

/** Adds counts of a moment, like the hot statements. */
async function add(accountId: string, at: Date, count = 1, subscriptionId: string | null = null): Promise<void> {
  const [outcome, ms] = subscriptionId === null ? [null, null] : ['ok', 8];
  await pool.query(
    `INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome, duration_bucket)
     VALUES ($1, $2, 'message:created', date_bin('1 minute', $3, 'epoch'), $4, $5, $6)`,
    [accountId, subscriptionId, at, count, outcome, ms],
  );
}

/** A pool whose connections break at their commit. */
function cutAtCommit(): pg.Pool {
  return new Proxy(pool, {
    get(target, name) {
      if (name !== 'connect') return Reflect.get(target, name) as unknown;
      return async () => {
        const client = await target.connect();
        const query = client.query.bind(client) as (...all: unknown[]) => Promise<unknown>;
        return Object.assign(client, {
          query: async (...all: unknown[]) => {
            const { processID } = client as unknown as { processID: number };
            if (all[0] === 'COMMIT') await pool.query('SELECT pg_terminate_backend($1)', [processID]);
            return query(...all);
          },
        });
      };
    },
  });
}

const TYPES = ['message:created', 'conversation:created'];
const RESULTS: Partial<PostResult>[] = [
  { durationMs: 3 },
  { durationMs: 130, statusCode: 204 },
  { ...FAILED, durationMs: 41 },
  { ...FAILED, statusCode: 404, durationMs: 977 },
  { outcome: 'timeout', statusCode: null, durationMs: 15_000 },
  { outcome: 'connect_error', statusCode: null, durationMs: 0 },
  { outcome: 'blocked', statusCode: null, durationMs: 1 },
  { outcome: 'aborted', statusCode: null, durationMs: 212 },
];

/** Counts the same from events, deliveries and attempts. */
async function recount(where: { accountId?: string; subscriptionId?: string; eventType?: string }) {
  const values = [where.accountId ?? null, where.subscriptionId ?? null, where.eventType ?? null];
  const one = async <T>(sql: string): Promise<T> => {
    const [row] = (await pool.query<{ is: T }>(sql, values)).rows;
    if (!row) throw new Error('a count has a row');
    return row.is;
  };
  const ofDelivery = `($1::text IS NULL OR d.account_id = $1) AND ($2::uuid IS NULL OR d.subscription_id = $2) AND ($3::text IS NULL OR d.event_type = $3)`;
  const attempts = `attempts a JOIN deliveries d ON d.id = a.delivery_id WHERE ${ofDelivery}`;
  const percentile = (share: number) =>
    one<number | null>(
      `SELECT percentile_disc(${share}) WITHIN GROUP (ORDER BY duration_ms) AS is FROM ${attempts} AND outcome NOT IN ('aborted', 'blocked')`,
    );
  return {
    accepted: await one<number>(
      `SELECT count(*)::int AS is FROM events WHERE ($1::text IS NULL OR account_id = $1) AND $2::uuid IS NULL AND ($3::text IS NULL OR type = $3)`,
    ),
    succeeded: await one<number>(
      `SELECT count(*)::int AS is FROM deliveries d WHERE ${ofDelivery} AND status = 'succeeded'`,
    ),
    failed: await one<number>(`SELECT count(*)::int AS is FROM deliveries d WHERE ${ofDelivery} AND status = 'failed'`),
    byOutcome: await one<object>(
      `SELECT coalesce(json_object_agg(outcome, n), '{}') AS is FROM (SELECT outcome, count(*) AS n FROM ${attempts} GROUP BY outcome) o`,
    ),
    byStatusCode: await one<object>(
      `SELECT coalesce(json_object_agg(status_code, n), '{}') AS is FROM (SELECT status_code, count(*) AS n FROM ${attempts} AND status_code IS NOT NULL GROUP BY status_code) o`,
    ),
    p50Ms: await percentile(0.5),
    p95Ms: await percentile(0.95),
  };
}

function expectNear(actual: number | null, exact: number | null): void {
  if (actual === null || exact === null) expect(actual).toBe(exact);
  else expect(Math.abs(actual - exact)).toBeLessThanOrEqual(0.09 * exact + 1);
}

function expectEqual(actual: Counts | undefined, exact: Awaited<ReturnType<typeof recount>>) {
  if (!actual) throw new Error('nothing was read');
  const { p50Ms, p95Ms, byStatusCode, ...counts } = actual;
  const { p50Ms: exact50, p95Ms: exact95, ...rest } = exact;
  expect({ ...counts, byStatusCode: Object.fromEntries(byStatusCode) }).toEqual(rest);
  expectNear(p50Ms, exact50);
  expectNear(p95Ms, exact95);
}

describe('statistics equal a recount of events, deliveries and attempts', () => {
  it('after any traffic, with any folds, including folds whose connection breaks at the commit', async () => {
    const step = fc.oneof(
      fc.record({
        is: fc.constant('publish' as const),
        of: fc.nat(1),
        type: fc.nat(1),
        result: fc.nat(RESULTS.length - 1),
      }),
      fc.record({ is: fc.constant('test' as const), of: fc.nat(1), result: fc.nat(RESULTS.length - 1) }),
      fc.record({ is: fc.constant('again' as const), of: fc.nat(1), result: fc.nat(2) }),
      fc.record({ is: fc.constant('fold' as const), atOnce: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ is: fc.constant('cut' as const) }),
    );
    const accounts = [await ledger.account(), await ledger.account()];
    const subscriptions = await Promise.all(
      accounts.flatMap((account) => [
        ledger.activeSubscription(account, { events: ['message:*'] }),
        ledger.activeSubscription(account),
      ]),
    );
    let cuts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        for (const one of steps) {
          if (one.is === 'fold') {
            for (const shard of SHARDS) await foldStats(pool, { shard, atOnce: one.atOnce });
          } else if (one.is === 'cut') {
            cuts += 1;
            const [shard = 0] = await findShardsToFold(pool);
            await expect(foldStats(cutAtCommit(), { shard, atOnce: 20 })).rejects.toThrow();
          } else {
            const accountId = accounts[one.of] ?? '';
            const result = RESULTS[one.result] ?? {};
            // An aborted attempt is repeated at once, so it must not be aborted forever.
            ledger.results.splice(0, ledger.results.length, result, result.outcome === 'aborted' ? {} : result);
            if (one.is === 'publish') await ledger.publish(accountId, { type: TYPES[one.type] ?? '' });
            else if (one.is === 'test') {
              const frozen = freezeEvent(Buffer.from(`{"event":"message:created","payload":{}}`));
              const id = subscriptions[one.of * 2]?.id ?? '';
              if (frozen.ok) await sendTest(ledger, { accountId, id, frozen: frozen.frozen });
            } else {
              // Replays only succeeded ones: failed ones would count twice, which a recount does not see.
              const done = await ledger.db.prisma.delivery.findFirst({ where: { accountId, status: 'succeeded' } });
              if (done) await requestRetry(ledger, { accountId, id: done.id });
            }
            await ledger.publisher.drain();
            await ledger.work();
          }
        }
        expectEqual((await readStats(pool, today())).current.totals, await recount({}));
      }),
      { numRuns: 8 },
    );
    expect(cuts).toBeGreaterThan(0);
    for (const pass of ['as it is', 'all folded']) {
      const all = await readStats(pool, today());
      expect([pass, all.current.totals.accepted > 10]).toEqual([pass, true]);
      expectEqual(all.current.totals, await recount({}));
      for (const eventType of TYPES) {
        const exact = await recount({ eventType });
        expectEqual((await readStats(pool, today({ eventType }))).current.totals, exact);
        expectEqual(all.current.byEventType.get(eventType), exact);
      }
      for (const accountId of accounts) {
        const exact = await recount({ accountId });
        expectEqual((await readStats(pool, today({ accountId }))).current.totals, exact);
        const byMinute = today({ accountId, bucketMs: 5 * MINUTE_MS });
        expectEqual((await readStats(pool, byMinute)).current.totals, exact);
        const [day] = await readAccountDays(pool, { ids: [accountId] });
        expectEqual(day?.counts, exact);
      }
      for (const { accountId, id: subscriptionId } of subscriptions) {
        const exact = await recount({ accountId, subscriptionId });
        expectEqual((await readStats(pool, today({ accountId, subscriptionId }))).current.totals, exact);
        const [day] = await readSubscriptionDays(pool, { accountId, ids: [subscriptionId] });
        expectEqual(day?.counts, exact);
        const byHour = (day?.hours ?? []).flatMap(({ byOutcome }) => Object.values(byOutcome));
        const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
        expect(sum(byHour)).toBe(sum(Object.values(exact.byOutcome)));
      }
      await foldAll();
      expect((await pool.query('SELECT FROM stat_deltas')).rowCount).toBe(0);
    }
  });

  it('a delivery that failed and then succeeded counts as both', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    ledger.results.push({ ...FAILED, statusCode: 410 }, {});
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    await ledger.work();
    const { id, subscriptionId } = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    await pool.query(`UPDATE subscriptions SET status = 'active' WHERE id = $1`, [subscriptionId]);
    await requestRetry(ledger, { accountId, id });
    await ledger.work();
    const { totals } = (await readStats(pool, today({ accountId }))).current;
    expect(totals).toMatchObject({ accepted: 1, succeeded: 1, failed: 1, byOutcome: { ok: 1, http_error: 1 } });
  });

  it('two concurrent folds count nothing twice', async () => {
    for (let n = 0; n < 50; n += 1) await add('a', new Date());
    const [shard = -1, ...others] = await findShardsToFold(pool);
    expect(others).toEqual([]);
    await Promise.all(Array.from({ length: 8 }, () => foldStats(pool, { shard, atOnce: 10 })));
    await foldAll();
    expect((await readStats(pool, today())).current.totals.accepted).toBe(50);
  });
});

describe('buckets', () => {
  const from = new Date('2026-03-04T10:00:00Z');
  const at = (minutes: number) => new Date(from.getTime() + minutes * MINUTE_MS);
  const read = (minutes: number, width: number) =>
    readStats(pool, today({ accountId: 'a', from, to: at(minutes), bucketMs: width * MINUTE_MS }));

  it('are complete, including empty ones', async () => {
    const { buckets, current, previous } = await read(60, 1);
    expect(buckets).toHaveLength(60);
    expect(buckets[0]?.at).toEqual(from);
    expect(buckets.at(-1)?.at).toEqual(at(59));
    const nothing = { accepted: 0, succeeded: 0, failed: 0, byOutcome: {}, p50Ms: null, p95Ms: null };
    expect(buckets[7]?.counts).toMatchObject(nothing);
    expect([current.totals, previous.totals]).toEqual([
      expect.objectContaining(nothing),
      expect.objectContaining(nothing),
    ]);
  });

  it.each([
    [1, 'of a minute'],
    [15, 'of a quarter'],
    [60, 'of an hour'],
    [360, 'of six hours'],
  ])(
    '%s min: include their first moment and exclude their end; earlier counts belong to the previous period',
    async (width) => {
      await add('a', at(-2 * width), 1_000);
      await add('a', at(-2 * width - 1), 7_777);
      await add('a', at(-1), 2);
      await add('a', at(0), 4);
      await add('a', at(width - 1), 8);
      await add('a', at(width), 16);
      await add('a', at(2 * width - 1), 32);
      await add('a', at(2 * width), 64);
      await add('b', at(0), 4_000);
      for (const pass of ['not folded', 'folded']) {
        const { buckets, current, previous } = await read(2 * width, width);
        const first = width === 1 ? 4 + 8 : 12;
        expect([pass, buckets.map(({ counts }) => counts.accepted)]).toEqual([pass, [first, 48]]);
        expect([pass, current.totals.accepted, previous.totals.accepted]).toEqual([pass, 60, 1_002]);
        await foldAll();
      }
    },
  );

  it('an hour of a subscription is at its place in the day', async () => {
    const id = '01900000-0000-7000-8000-000000000001';
    const now = new Date('2026-03-04T10:59:59.999Z');
    await add('a', at(0), 3, id);
    await add('a', at(-23 * 60), 5, id);
    await add('a', at(-23 * 60 - 1), 1_000, id);
    for (const pass of ['not folded', 'folded']) {
      const [day] = await readSubscriptionDays(pool, { accountId: 'a', ids: [id], now });
      const hours = day?.hours.map(({ byOutcome }) => byOutcome.ok ?? 0);
      expect([pass, hours]).toEqual([pass, [5, ...Array.from({ length: 22 }, () => 0), 3]]);
      expect(day?.hours[0]?.at).toEqual(at(-23 * 60));
      expect(day?.counts.byOutcome).toEqual({ ok: 8 });
      const [foreign] = await readSubscriptionDays(pool, { accountId: 'b', ids: [id], now });
      expect(foreign?.counts.byOutcome).toEqual({});
      const [account] = await readAccountDays(pool, { ids: ['a'], now });
      expect(account?.counts.byOutcome).toEqual({ ok: 8 });
      await foldAll();
    }
  });
});

describe('durations', () => {
  it('a bucket represents each duration in it, within 9 % and half a millisecond', async () => {
    const { rows } = await pool.query<{ ms: number; bucket: number }>(
      `SELECT duration_ms AS ms, ${DURATION_BUCKET} AS bucket
       FROM (SELECT 'ok' AS outcome, n AS duration_ms FROM generate_series(0, 20000) n) attempts`,
    );
    expect(rows).toHaveLength(20_001);
    for (const { ms, bucket } of rows) expect(Math.abs(bucketMs(bucket) - ms)).toBeLessThanOrEqual(0.09 * ms + 1);
  });

  it('a percentile is the first duration that the share does not exceed; null without attempts', () => {
    expect(percentileMs(new Map(), 0.95)).toBeNull();
    expect(percentileMs(new Map([[40, 1]]), 0.5)).toBe(bucketMs(40));
    const hundred = new Map([
      [40, 5],
      [8, 95],
    ]);
    expect([percentileMs(hundred, 0.95), percentileMs(hundred, 0.96)]).toEqual([bucketMs(8), bucketMs(40)]);
  });
});

describe('old statistics', () => {
  it('are deleted: minutes after three days, hours with what they count, but not before 63 days', async () => {
    const now = new Date();
    const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS);
    for (const days of [2.9, 3.2, 62, 64, 89, 91]) await add('a', daysAgo(days));
    await foldAll();
    const left = async () =>
      (
        await pool.query<{ width: string; age: number }>(
          `SELECT width, (extract(epoch FROM $1 - at) / 86400)::float8 AS age FROM stats WHERE account_id = 'a' ORDER BY width, at DESC`,
          [now],
        )
      ).rows.map(({ width, age }) => `${width} ${Math.round(age)}`);
    const drop = async (retentionDays: number) => {
      const client = await pool.connect();
      const { signal } = new AbortController();
      return dropOldStats(client, { at: now, retentionDays }, signal).finally(() => client.release());
    };
    expect(await drop(90)).toBe(2 * (5 + 1)); // of the account and of all accounts
    expect(await left()).toEqual(['minute 3', 'hour 3', 'hour 3', 'hour 62', 'hour 64', 'hour 89']);
    await drop(30);
    expect(await left()).toEqual(['minute 3', 'hour 3', 'hour 3', 'hour 62']);
  });

  it('of a deleted account are deleted, those of another stay; the totals over all accounts keep them', async () => {
    const [gone, stays] = [await ledger.account(), await ledger.account()];
    await add(gone, new Date(), 3);
    await add(stays, new Date(), 5);
    await foldAll();
    await add(gone, new Date(), 7);
    expect((await readStats(pool, today({ accountId: gone }))).current.totals.accepted).toBe(10);
    await deleteAccount(ledger, { id: gone });
    await ledger.erase();
    await foldAll();
    expect((await pool.query('SELECT FROM stats WHERE account_id = $1', [gone])).rowCount).toBe(0);
    expect((await readStats(pool, today({ accountId: gone }))).current.totals.accepted).toBe(0);
    expect((await readStats(pool, today({ accountId: stays }))).current.totals.accepted).toBe(5);
    expect((await readStats(pool, today())).current.totals.accepted).toBe(8);
  });
});

it('returns the newest delivery of each subscription, and none of another account', async () => {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  const other = await ledger.account();
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  await ledger.work();
  ledger.results.push(FAILED);
  const eventId = await ledger.publish(accountId);
  await ledger.publisher.drain();
  await ledger.work();
  const newest = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { eventId } });
  const found = await readLastDeliveries(pool, { accountId, ids: [id] });
  expect(found.get(id)).toMatchObject({ id: newest.id, lastOutcome: 'http_error', lastStatusCode: 500 });
  expect(await readLastDeliveries(pool, { accountId: other, ids: [id] })).toEqual(new Map());
});
