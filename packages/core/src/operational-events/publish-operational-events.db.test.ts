import { OPERATIONAL_EVENTS, type OperationalEventType, isOperational, toTypeId } from '@posthorn/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteAccount } from '../accounts/delete-account.js';
import { changesPending, GONE, type Ledger, interpose, openLedger } from '../ledger.test-support.js';
import { newId } from '../id.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import type { SubscriptionKey } from '../subscriptions/subscription.js';
import { publishOperationalEvents } from './publish-operational-events.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
  await ledger.db.pool.query('DELETE FROM operational_events');
});

let operators = 0;
/** An operations account with a subscription to all its events. */
async function operationsAccount(): Promise<string> {
  const id = await ledger.account(`operators-${++operators}`);
  await ledger.activeSubscription(id, { url: 'https://operators.example.com/' });
  return id;
}
async function subscription(): Promise<SubscriptionKey> {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId, {
    url: 'https://user.example.com:8443/hook?token=hunter2',
  });
  return { accountId, id };
}
/** Returns the events published to an account, oldest first. */
async function publishedTo(
  accountId: string,
): Promise<{ event: OperationalEventType; payload: Record<string, unknown> }[]> {
  const rows = await ledger.db.prisma.event.findMany({ where: { accountId }, orderBy: { id: 'asc' } });
  return rows.map(({ body }) => JSON.parse(Buffer.from(body).toString()));
}
/** Inserts an operational event like record-attempts. */
const insert = ({ accountId, id }: SubscriptionKey, type: OperationalEventType, detail = {}, deliveryId?: string) =>
  ledger.db.pool.query(
    'INSERT INTO operational_events (id, type, account_id, subscription_id, delivery_id, detail) VALUES ($1, $2, $3, $4, $5, $6)',
    [newId(), type, accountId, id, deliveryId ?? null, JSON.stringify(detail)],
  );
const pendingCount = () => ledger.db.prisma.operationalEvent.count();

describe('operational events', () => {
  it('report a disabling over the API, signed and sent like any event, with host, reason and advice', async () => {
    const operations = await operationsAccount();
    const key = await subscription();
    await disableSubscription(ledger, key);
    expect(await publishOperationalEvents(ledger, { operationsAccount: operations })).toBe(1);
    expect(await pendingCount()).toBe(0);
    const [event] = await publishedTo(operations);
    expect(event).toEqual({
      event: 'subscription:disabled',
      payload: {
        accountId: key.accountId,
        subscriptionId: toTypeId('sub', key.id),
        endpointHost: 'user.example.com:8443',
        reason: 'manual',
        failingSince: null,
        at: expect.stringMatching(/Z$/),
        advice: expect.stringContaining('Resume it'),
      },
    });
    expect(JSON.stringify(event)).not.toContain('hunter2');
    await ledger.work();
    expect(ledger.posts).toMatchObject([{ url: 'https://operators.example.com/', secrets: [expect.any(String)] }]);
  });

  it('report a disabling once if it is repeated, and not at all if it is refused', async () => {
    const key = await subscription();
    for (const deliveries of [undefined, 'hold', 'cancel', undefined] as const)
      await disableSubscription(ledger, { ...key, deliveries });
    await disableSubscription(ledger, { ...key, accountId: await ledger.account() });
    expect(await pendingCount()).toBe(1);
  });

  it('report a failed delivery: its event and account, the reason and the result of the last attempt', async () => {
    const operations = await operationsAccount();
    const key = await subscription();
    const eventId = await ledger.publish(key.accountId);
    await ledger.publisher.drain();
    const [job] = ledger.jobs.splice(0);
    if (!job) throw new Error('nothing was enqueued');
    ledger.results.push(GONE);
    await ledger.attempter().attempt(job, new AbortController().signal);
    await ledger.db.pool.query('DELETE FROM operational_events');
    await insert(key, 'delivery:failed', {}, job.id);
    await publishOperationalEvents(ledger, { operationsAccount: operations });
    expect(await publishedTo(operations)).toMatchObject([
      {
        event: 'delivery:failed',
        payload: {
          deliveryId: toTypeId('dlv', job.id),
          eventId: toTypeId('evt', eventId),
          eventType: 'message:created',
          reason: 'gone',
          attemptCount: 1,
          lastAttempt: { number: 1, outcome: 'http_error', statusCode: 410 },
          advice: expect.stringContaining('410'),
        },
      },
    ]);
  });

  it('every type has the documented shape, and so has its example in the catalogue', async () => {
    const operations = await operationsAccount();
    const key = await subscription();
    await ledger.publish(key.accountId);
    await ledger.publisher.drain();
    await ledger.work();
    const { id: deliveryId } = await ledger.db.prisma.delivery.findFirstOrThrow({
      where: { accountId: key.accountId },
    });
    const since = '2026-11-16 18:55:00.123+00'; // the format of Postgres in JSON
    await insert(key, 'subscription:failing', { percent: 75, failingSince: since });
    await insert(key, 'subscription:disabled', { reason: 'failing', failingSince: since });
    await insert(key, 'subscription:recovered');
    await insert(key, 'delivery:failed', {}, deliveryId);
    await publishOperationalEvents(ledger, { operationsAccount: operations });
    const events = await publishedTo(operations);
    expect(events.map(({ event }) => event).toSorted()).toEqual(Object.keys(OPERATIONAL_EVENTS).toSorted());
    expect(events[0]?.payload).toMatchObject({ percent: 75, failingSince: '2026-11-16T18:55:00.123Z' });
    const types = await ledger.db.prisma.eventType.findMany();
    const examples = types.flatMap(({ name, example }) =>
      isOperational(name) ? [{ event: name, payload: example }] : [],
    );
    expect(examples).toHaveLength(4);
    for (const { event, payload } of [...events, ...examples]) {
      const result = OPERATIONAL_EVENTS[event].strict().safeParse(payload);
      expect([event, result.error]).toEqual([event, undefined]);
    }
  });
});

describe('operational events are neither lost nor duplicated', () => {
  it('after a crash right after the commit of a disabling, the next round of another process publishes it', async () => {
    const operations = await operationsAccount();
    const key = await subscription();
    const db = interpose(ledger.db, (statement, run) =>
      changesPending(statement) ? Promise.reject(new Error('ended')) : run(),
    );
    await expect(disableSubscription({ db }, key)).rejects.toThrow('ended');
    expect(await publishedTo(operations)).toEqual([]);
    await publishOperationalEvents(ledger, { operationsAccount: operations });
    expect(await publishedTo(operations)).toMatchObject([{ event: 'subscription:disabled' }]);
  });

  it('two concurrent rounds publish each event once', async () => {
    const operations = await operationsAccount();
    const key = await subscription();
    for (let count = 0; count < 30; count += 1) await insert(key, 'subscription:recovered');
    const round = () => publishOperationalEvents(ledger, { operationsAccount: operations, limit: 10 });
    const counts = await Promise.all([round(), round(), round(), round()]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(30 - (await pendingCount()));
    while ((await round()) > 0);
    expect(await publishedTo(operations)).toHaveLength(30);
  });

  it('a round that cannot store its events keeps them', async () => {
    const operations = await operationsAccount();
    await insert(await subscription(), 'subscription:recovered');
    await ledger.db.pool.query(
      `ALTER TABLE events ADD CONSTRAINT no_room CHECK (account_id <> '${operations}') NOT VALID`,
    );
    await expect(publishOperationalEvents(ledger, { operationsAccount: operations })).rejects.toThrow('no_room');
    await ledger.db.pool.query('ALTER TABLE events DROP CONSTRAINT no_room');
    expect(await pendingCount()).toBe(1);
    expect(await publishedTo(operations)).toEqual([]);
  });

  it('publishes while the queue accepts nothing, and has the dispatcher enqueue the delivery soon', async () => {
    const operations = await operationsAccount();
    await insert(await subscription(), 'subscription:recovered');
    ledger.setQueue(false);
    expect(await publishOperationalEvents(ledger, { operationsAccount: operations })).toBe(1);
    ledger.setQueue(true);
    const delivery = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId: operations } });
    expect((delivery.leasedUntil?.getTime() ?? 0) - Date.now()).toBeLessThan(5_000);
  });
});

describe('operational events reach only the operations account', () => {
  it('tenants’ subscriptions get none, whatever types they subscribe to', async () => {
    const operations = await operationsAccount();
    const key = await subscription();
    const other = await ledger.activeSubscription(key.accountId, { events: ['subscription:*', 'delivery:failed'] });
    await disableSubscription(ledger, key);
    await publishOperationalEvents(ledger, { operationsAccount: operations });
    await ledger.work();
    expect(ledger.posts.map(({ url }) => url)).toEqual(['https://operators.example.com/']);
    expect(await ledger.db.prisma.delivery.count({ where: { subscriptionId: other.id } })).toBe(0);
  });

  it('subscriptions of the operations account create no operational events, which prevents a loop', async () => {
    const accountId = await operationsAccount();
    const { id } = await ledger.activeSubscription(accountId);
    await disableSubscription(ledger, { accountId, id });
    await insert({ accountId, id }, 'subscription:failing', { percent: 50 });
    expect(await publishOperationalEvents(ledger, { operationsAccount: accountId })).toBe(0);
    expect(await pendingCount()).toBe(0);
    expect(await publishedTo(accountId)).toEqual([]);
  });

  it('without an operations account they are dropped, and nothing is stored', async () => {
    await disableSubscription(ledger, await subscription());
    const events = (await ledger.counts())['events'];
    expect(await publishOperationalEvents(ledger, { operationsAccount: 'nobody' })).toBe(0);
    expect(await pendingCount()).toBe(0);
    expect((await ledger.counts())['events']).toBe(events);
  });

  it('those of an account that was deleted meanwhile are dropped and do not delay others', async () => {
    const operations = await operationsAccount();
    const [leaving, staying] = [await subscription(), await subscription()];
    await insert(leaving, 'subscription:recovered');
    await insert(staying, 'subscription:recovered');
    await deleteAccount(ledger, { id: leaving.accountId });
    await ledger.erase();
    await publishOperationalEvents(ledger, { operationsAccount: operations });
    expect(await publishedTo(operations)).toMatchObject([{ payload: { accountId: staying.accountId } }]);
    expect(await pendingCount()).toBe(0);
  });
});

describe('what an account is notified of', () => {
  const NAMES = ['subscription:failing', 'subscription:disabled', 'delivery:failed'];
  const publish = () => publishOperationalEvents(ledger, { operationsAccount: 'nobody' });
  // The tests above leave deliveries to the operators.
  const posted = () => ledger.posts.filter(({ url }) => url !== 'https://operators.example.com/');
  const urlsPosted = () =>
    posted()
      .map(({ url }) => url)
      .toSorted();

  it('sends the disabling of a webhook to the other webhooks that name the type, with advice for their owner', async () => {
    const key = await subscription();
    const { accountId } = key;
    for (const [url, events] of [
      ['https://one.example.com/', NAMES],
      ['https://two.example.com/', ['subscription:disabled']],
      ['https://all.example.com/', []],
      ['https://family.example.com/', ['subscription:*']],
      ['https://other.example.com/', ['subscription:failing']],
    ] as const) {
      await ledger.activeSubscription(accountId, { url, events: [...events] });
    }
    const stranger = await ledger.account();
    await ledger.activeSubscription(stranger, { url: 'https://stranger.example.com/', events: NAMES });
    await disableSubscription(ledger, key);
    expect(await publish()).toBe(1);
    await ledger.settle();
    expect(urlsPosted()).toEqual(['https://one.example.com/', 'https://two.example.com/']);
    expect(JSON.parse(Buffer.from(posted()[0]?.body ?? '').toString())).toMatchObject({
      event: 'subscription:disabled',
      payload: { accountId, subscriptionId: toTypeId('sub', key.id), reason: 'manual', advice: expect.any(String) },
    });
    const shape = OPERATIONAL_EVENTS['subscription:disabled'].strict();
    expect(shape.safeParse((await publishedTo(accountId))[0]?.payload).error).toBeUndefined();
    expect(await publishedTo(stranger)).toEqual([]);
  });

  it('sends a webhook nothing about itself', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId, { events: NAMES });
    await insert({ accountId, id }, 'subscription:failing', { percent: 50 });
    expect(await publish()).toBe(0);
    expect(await pendingCount()).toBe(0);
    expect(await publishedTo(accountId)).toEqual([]);
  });

  it('creates no notification about a failed notification, so two webhooks that notify each other do not loop', async () => {
    const accountId = await ledger.account();
    const [first, second] = [
      await ledger.activeSubscription(accountId, { url: 'https://first.example.com/', events: NAMES }),
      await ledger.activeSubscription(accountId, { url: 'https://second.example.com/', events: NAMES }),
    ];
    await insert({ accountId, id: first.id }, 'subscription:failing', { percent: 50 });
    await publish();
    ledger.results.push(GONE);
    await ledger.settle();
    expect(urlsPosted()).toEqual(['https://second.example.com/']);
    ledger.results.length = 0;
    ledger.posts.length = 0;
    // The failed delivery makes nothing; that the second one is disabled goes to the first.
    expect(await publish()).toBe(1);
    await ledger.settle();
    expect(urlsPosted()).toEqual(['https://first.example.com/']);
    expect((await publishedTo(accountId)).map(({ event, payload }) => [event, payload['subscriptionId']])).toEqual([
      ['subscription:failing', toTypeId('sub', first.id)],
      ['subscription:disabled', toTypeId('sub', second.id)],
    ]);
    expect(await publish()).toBe(0);
    expect(await pendingCount()).toBe(0);
  });

  it('sends a webhook with a filter only the notifications that pass', async () => {
    const key = await subscription();
    const { accountId } = key;
    for (const percent of [50, 75]) {
      const url = `https://at-${percent}.example.com/`;
      const { id } = await ledger.activeSubscription(accountId, { url, events: NAMES });
      await changeSubscription(ledger, { accountId, id, changes: { filter: `$.percent == ${percent}` } });
    }
    await insert(key, 'subscription:failing', { percent: 75 });
    expect(await publish()).toBe(1);
    await ledger.settle();
    expect(urlsPosted()).toEqual(['https://at-75.example.com/']);
  });

  it('holds a notification for a paused webhook', async () => {
    const key = await subscription();
    const { id } = await ledger.activeSubscription(key.accountId, { events: NAMES });
    await pauseSubscription(ledger, { accountId: key.accountId, id });
    await insert(key, 'subscription:failing', { percent: 50 });
    await publish();
    const held = await ledger.db.prisma.pendingDelivery.findMany({ where: { subscriptionId: id } });
    expect(held.map(({ status }) => status)).toEqual(['held']);
  });
});
