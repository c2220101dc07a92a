import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteAccount } from '../accounts/delete-account.js';
import { inTransaction } from '../database.js';
import { freezeEvent } from './freeze-event.js';
import { openPublisher, type Publisher } from './publisher.js';
import { readLedgerMetrics } from '../ledger-metrics/read-ledger-metrics.js';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { replayOf } from '../replays/replay-of.test-support.js';
import { startReplay } from '../replays/start-replay.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { expandFanOuts, type ExpandOptions } from './expand-fan-outs.js';
import { openRecount } from './recount.js';
import { findExpanding } from './read-fan-outs.js';

/** Events with more deliveries are fan-outs in these tests. */
const LIMIT = 3;

let ledger: Ledger;
let publisher: Publisher;
beforeAll(async () => {
  ledger = await openLedger();
  publisher = openPublisher(ledger, { maxDeliveries: LIMIT });
});
afterAll(() => ledger.close());
beforeEach(async () => {
  // Each test counts its own rows.
  await ledger.db.pool.query('DELETE FROM fan_outs');
  ledger.setQueue(true);
  ledger.jobs.length = 0;
  ledger.posts.length = 0;
});

async function publish(accountId: string, { key, payload = '{}' }: { key?: string; payload?: string } = {}) {
  const result = freezeEvent(Buffer.from(`{"event":"message:created","payload":${payload}}`));
  if (!result.ok) throw new Error(result.message);
  const published = await publisher.publish({ accountId, frozen: result.frozen, idempotencyKey: key ?? null });
  await publisher.drain();
  if (!('event' in published)) throw new Error(published.outcome);
  return published;
}

/** A new account with `count` active webhooks, the oldest first. */
async function withWebhooks(count: number): Promise<{ accountId: string; ids: string[] }> {
  const accountId = await ledger.account();
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await ledger.activeSubscription(accountId)).id);
  return { accountId, ids };
}

/** Expands until nothing is left to write. */
async function expandAll(options?: ExpandOptions): Promise<void> {
  while ((await expandFanOuts(ledger, options)).isAdvanced);
}

const deliveriesOf = (eventId: string) =>
  ledger.db.prisma.delivery.findMany({ where: { eventId }, orderBy: { subscriptionId: 'asc' } });
const subscriptionsOf = async (eventId: string) => (await deliveriesOf(eventId)).map((one) => one.subscriptionId);
const fanOutOf = (eventId: string) => ledger.db.prisma.fanOut.findUnique({ where: { eventId } });
const eventOf = (id: string) => ledger.db.prisma.event.findFirstOrThrow({ where: { id } });

describe('publish', () => {
  it('stores an event with more deliveries than a statement may write as a fan-out', async () => {
    const { accountId } = await withWebhooks(LIMIT + 1);
    const { event } = await publish(accountId);
    expect(event).toMatchObject({ deliveryCount: LIMIT + 1, isFanOut: true });
    expect(await deliveriesOf(event.id)).toEqual([]);
    expect(await eventOf(event.id)).toMatchObject({ deliveryCount: LIMIT + 1 });
    expect(await findExpanding(ledger.db.pool, { accountId, eventIds: [event.id] })).toEqual(new Set([event.id]));
  });

  it('writes the deliveries of an event within the limit, even beside fan-outs', async () => {
    const [large, small] = [await withWebhooks(LIMIT + 1), await withWebhooks(LIMIT)];
    const published = await Promise.all([publish(large.accountId), publish(small.accountId)]);
    expect(published.map(({ event }) => event.isFanOut)).toEqual([true, false]);
    expect(await subscriptionsOf(published[1].event.id)).toEqual(small.ids);
  });

  it('writes at most its limit in one statement, the smallest events first', async () => {
    const [one, two] = [await withWebhooks(1), await withWebhooks(2)];
    // A publisher without cached counts puts all three into one statement.
    publisher = openPublisher(ledger, { maxDeliveries: LIMIT });
    const published = await Promise.all([publish(two.accountId), publish(two.accountId), publish(one.accountId)]);
    expect(published.map(({ event }) => event.isFanOut)).toEqual([false, true, false]);
    await expandAll();
    for (const { event } of published) expect(await deliveriesOf(event.id)).toHaveLength(event.deliveryCount);
  });

  it('returns the first result for the same key, while it expands and afterwards', async () => {
    const { accountId } = await withWebhooks(LIMIT + 1);
    const first = await publish(accountId, { key: 'k' });
    const repeated = { outcome: 'repeated', event: first.event };
    expect(await publish(accountId, { key: 'k' })).toEqual(repeated);
    await expandAll();
    expect(await publish(accountId, { key: 'k' })).toEqual(repeated);
    expect(await deliveriesOf(first.event.id)).toHaveLength(LIMIT + 1);
  });
});

describe('expand', () => {
  it('creates one delivery per subscription, in chunks, and enqueues them behind new events', async () => {
    const { accountId, ids } = await withWebhooks(5);
    const { event } = await publish(accountId);
    const chunks: number[] = [];
    await expandAll({ atOnce: 2, observe: ({ count }) => chunks.push(count) });
    expect(chunks).toEqual([2, 2, 1]);
    expect(await subscriptionsOf(event.id)).toEqual(ids);
    expect(ledger.jobs).toHaveLength(5);
    expect(ledger.jobs.every(({ rank }) => (rank ?? 0) > 0)).toBe(true);
    expect(await fanOutOf(event.id)).toMatchObject({ written: 5, completedAt: expect.any(Date) as Date });
    await ledger.settle();
    expect(ledger.posts).toHaveLength(5);
  });

  it('creates one delivery per subscription when several expanders run at once', async () => {
    const { accountId, ids } = await withWebhooks(6);
    const published = [await publish(accountId), await publish(accountId)];
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 4 }, () => expandFanOuts(ledger, { atOnce: 1 })));
    }
    for (const { event } of published) {
      expect(await subscriptionsOf(event.id)).toEqual(ids);
      expect(await fanOutOf(event.id)).toMatchObject({ written: 6, completedAt: expect.any(Date) as Date });
    }
  });

  it('shares the fan-outs of an account among expanders', async () => {
    const { accountId, ids } = await withWebhooks(4);
    const [first, second] = [await publish(accountId), await publish(accountId)];
    await inTransaction(ledger.db.pool, async (other) => {
      await other.query('SELECT FROM fan_outs WHERE event_id = $1 FOR UPDATE', [first.event.id]);
      await expandFanOuts(ledger);
      expect(await deliveriesOf(first.event.id)).toEqual([]);
      expect(await subscriptionsOf(second.event.id)).toEqual(ids);
    });
  });

  it('continues where an expander crashed: a chunk is written together with its position, or not at all', async () => {
    const { accountId, ids } = await withWebhooks(5);
    const { event } = await publish(accountId);
    await expandFanOuts(ledger, { atOnce: 2 });
    // Postgres rolls back the connection of a killed process.
    await inTransaction(ledger.db.pool, async (client) => {
      const db = { ...ledger.db, pool: client as unknown as typeof ledger.db.pool };
      await expandFanOuts({ ...ledger, db }, { atOnce: 2 });
      throw new Error('killed');
    }).catch(() => {});
    expect(await subscriptionsOf(event.id)).toEqual(ids.slice(0, 2));
    // A process that is killed between commit and enqueueing leaves leased deliveries, as a publish does.
    ledger.setQueue(false);
    await expandFanOuts(ledger, { atOnce: 2 });
    ledger.setQueue(true);
    await expandAll({ atOnce: 2 });
    expect(await subscriptionsOf(event.id)).toEqual(ids);
    await ledger.db.pool.query('UPDATE pending_deliveries SET leased_until = now() WHERE event_id = $1', [event.id]);
    await ledger.settle();
    expect((await deliveriesOf(event.id)).map(({ status }) => status)).toEqual(ids.map(() => 'succeeded'));
  });

  it('uses the state of a subscription when its chunk is written; a younger subscription gets nothing', async () => {
    const { accountId, ids } = await withWebhooks(7);
    const [first = '', paused = '', disabled = '', holding = '', deleted = '', changed = '', last = ''] = ids;
    const { event } = await publish(accountId);
    await expandFanOuts(ledger, { atOnce: 1 });
    await ledger.activeSubscription(accountId);
    await pauseSubscription(ledger, { accountId, id: paused });
    await disableSubscription(ledger, { accountId, id: disabled });
    await disableSubscription(ledger, { accountId, id: holding, deliveries: 'hold' });
    await deleteSubscription(ledger, { accountId, id: deleted });
    await ledger.db.prisma.subscription.update({ where: { id: changed }, data: { events: ['conversation:created'] } });
    await expandAll({ atOnce: 2 });
    expect((await deliveriesOf(event.id)).map((one) => [one.subscriptionId, one.status])).toEqual([
      [first, 'pending'],
      [paused, 'held'],
      [holding, 'held'],
      [last, 'pending'],
    ]);
    // The event has the number that was written, so that a replay finds what is missing.
    expect(await eventOf(event.id)).toMatchObject({ deliveryCount: 4 });
    for (const id of [paused, holding]) await resumeSubscription(ledger, { accountId, id });
    await ledger.settle();
    expect(ledger.posts).toHaveLength(4);
  });

  it('leaves a subscription with a rate limit to the dispatcher', async () => {
    const { accountId, ids } = await withWebhooks(LIMIT + 1);
    await ledger.db.prisma.subscription.update({ where: { id: ids[0] ?? '' }, data: { rateLimit: 10 } });
    await publish(accountId);
    await expandAll();
    expect(ledger.jobs).toHaveLength(LIMIT);
    await ledger.settle();
    expect(ledger.posts).toHaveLength(LIMIT + 1);
  });

  it('waits while the queue has much of the fan-out', async () => {
    const { accountId } = await withWebhooks(5);
    const { event } = await publish(accountId);
    const options = { atOnce: 2, maxLeased: 2 };
    expect(await expandFanOuts(ledger, options)).toMatchObject({ isAdvanced: true });
    expect(await expandFanOuts(ledger, options)).toEqual({ isAdvanced: false, isWaiting: true });
    expect(await deliveriesOf(event.id)).toHaveLength(2);
    await ledger.work();
    expect(await expandFanOuts(ledger, options)).toMatchObject({ isAdvanced: true });
    expect(await deliveriesOf(event.id)).toHaveLength(4);
  });

  it('alternates between accounts', async () => {
    const [busy, quiet] = [await withWebhooks(LIMIT + 1), await withWebhooks(LIMIT + 1)];
    await publish(busy.accountId);
    await publish(busy.accountId);
    const { event } = await publish(quiet.accountId);
    await expandFanOuts(ledger);
    expect(await deliveriesOf(event.id)).toHaveLength(LIMIT + 1);
  });

  it('ends when its account is deleted and leaves nothing', async () => {
    const { accountId } = await withWebhooks(5);
    const { event } = await publish(accountId);
    await expandFanOuts(ledger, { atOnce: 2 });
    await deleteAccount(ledger, { id: accountId });
    expect(await expandFanOuts(ledger)).toMatchObject({ isAdvanced: false });
    expect(await deliveriesOf(event.id)).toHaveLength(2);
    await ledger.erase();
    expect(await fanOutOf(event.id)).toBeNull();
    expect(await deliveriesOf(event.id)).toEqual([]);
    expect(await expandFanOuts(ledger)).toEqual({ isAdvanced: false, isWaiting: false });
  });
});

it('counts the subscriptions that subscribe to a type once for concurrent callers', async () => {
  const { accountId } = await withWebhooks(2);
  await ledger.activeSubscription(accountId, { events: ['conversation:created'] });
  const counted: number[] = [];
  const recount = openRecount(ledger.db.pool, { refresh: (_, count) => void counted.push(count) });
  const key = { accountId, type: 'message:created' };
  await Promise.all([recount(key), recount(key)]);
  expect(counted).toEqual([2]);
  await recount(key);
  expect(counted).toEqual([2, 2]);
});

it('a replay of missed events adds nothing to an event that expands', async () => {
  const { accountId, ids } = await withWebhooks(LIMIT + 1);
  const { event } = await publish(accountId);
  const since = new Date(Date.now() - 60_000);
  const count = (subscriptionId: string) =>
    startReplay(ledger, replayOf({ accountId, subscriptionId, which: 'missed', since, isDryRun: true }));
  expect(await count(ids[0] ?? '')).toMatchObject({ matched: 0 });
  const younger = await ledger.activeSubscription(accountId);
  expect(await count(younger.id)).toMatchObject({ matched: 0 });
  await expandAll();
  expect(await count(ids[0] ?? '')).toMatchObject({ matched: 0 });
  expect(await count(younger.id)).toMatchObject({ matched: 1 });
  expect(await subscriptionsOf(event.id)).toEqual(ids);
});

it('the ledger metrics include how many events expand, which is the oldest, and since when', async () => {
  const { accountId } = await withWebhooks(LIMIT + 1);
  const { event } = await publish(accountId);
  await ledger.db.pool.query(`UPDATE fan_outs SET created_at = created_at - interval '1 hour'`);
  await publish(accountId);
  const metrics = await readLedgerMetrics(ledger.db.pool);
  expect(metrics).toMatchObject({ expanding: 2, oldestExpanding: { accountId, eventId: event.id } });
  expect(metrics.oldestExpandingSeconds).toBeGreaterThanOrEqual(3_600);
  await ledger.db.prisma.fanOut.deleteMany({ where: { accountId } });
  expect(await readLedgerMetrics(ledger.db.pool)).toMatchObject({
    expanding: 0,
    oldestExpandingSeconds: null,
    oldestExpanding: null,
  });
});
