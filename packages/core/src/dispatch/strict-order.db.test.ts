import type { PostResult } from '@posthorn/sender';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestRetry } from '../deliver/request-retry.js';
import { FAILED, type Ledger, openLedger, settleAccount } from '../ledger.test-support.js';
import { expandFanOuts } from '../publish/expand-fan-outs.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { openPublisher } from '../publish/publisher.js';
import { advanceReplays } from '../replays/advance-replays.js';
import { replayOf } from '../replays/replay-of.test-support.js';
import { startReplay } from '../replays/start-replay.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { sendTest } from '../subscriptions/send-test.js';
import { dispatch } from './dispatch.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
let accountId: string;
let id: string;
beforeEach(async () => {
  await ledger.publisher.drain();
  ledger.jobs.length = 0;
  ledger.results.length = 0;
  ledger.setQueue(true);
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries, fan_outs');
  accountId = await ledger.account();
  ({ id } = await ledger.activeSubscription(accountId));
  await order('strict');
});

const order = (ordering: 'none' | 'strict') => changeSubscription(ledger, { accountId, id, changes: { ordering } });
const publish = (n: number) => ledger.publish(accountId, { payload: `{"n":${n}}` });
async function publishAll(count: number): Promise<string[]> {
  const eventIds: string[] = [];
  for (let n = 1; n <= count; n += 1) eventIds.push(await publish(n));
  await ledger.publisher.drain();
  return eventIds;
}
const numbersOf = (posts: Ledger['posts']): number[] =>
  posts.map(({ body }) => (JSON.parse(Buffer.from(body).toString()) as { payload: { n: number } }).payload.n);
const sent = (): number[] => numbersOf(ledger.posts);
const deliveryOf = (eventId: string) => ledger.db.prisma.delivery.findFirstOrThrow({ where: { eventId } });
/** Returns how many jobs a round that runs `seconds` later enqueues. */
async function look(seconds = 0): Promise<number> {
  await pass(seconds);
  await ledger.passSecond();
  await dispatch(ledger);
  return ledger.jobs.length;
}
const pass = (seconds: number) =>
  ledger.db.pool.query(
    `WITH nearer AS (UPDATE due_subscriptions SET due_at = due_at - $1 * interval '1 second')
     UPDATE pending_deliveries SET due_at = due_at - $1 * interval '1 second', leased_until = leased_until - $1 * interval '1 second'`,
    [seconds],
  );
async function attemptNext(options: Parameters<Ledger['attempter']>[0] = {}) {
  const job = ledger.jobs.shift();
  if (!job) throw new Error('the queue is empty');
  return ledger.attempter(options).attempt(job, new AbortController().signal);
}
/** Starts the next attempt. Returns a function that lets the endpoint respond. */
async function beginNext() {
  let respond: (result: Partial<PostResult>) => void = () => {};
  const responded = new Promise<Partial<PostResult>>((resolve) => (respond = resolve));
  const reached = new Promise<void>((resolve) => {
    ledger.results.splice(0, ledger.results.length, () => {
      resolve();
      return responded;
    });
  });
  const ended = attemptNext();
  await reached;
  ledger.results.length = 0;
  return async (result: Partial<PostResult> = {}) => {
    respond(result);
    await ended;
  };
}

describe('strict order', () => {
  it('a publish leases nothing; deliveries go in the order of publish, each right after the one before', async () => {
    await publishAll(5);
    expect(ledger.jobs).toEqual([]);
    await dispatch(ledger);
    for (let n = 1; n <= 5; n += 1) {
      expect(ledger.jobs).toHaveLength(1);
      expect(await look()).toBe(1);
      await attemptNext(); // its end dispatches the next one
    }
    expect(sent()).toEqual([1, 2, 3, 4, 5]);
    expect(ledger.jobs).toEqual([]);
  });

  it('orders by the database clock: an API with a fast clock does not change the order', async () => {
    const [first, second] = await publishAll(2);
    // Simulates a publish by an API whose clock is ahead, and one by another API 100 ms later.
    await ledger.db.pool.query(
      `UPDATE pending_deliveries d SET created_at = f.created_at + n.later, id = posthorn_delivery_id(posthorn_uuid_at(f.created_at + n.by_its_clock))
       FROM (SELECT created_at FROM pending_deliveries WHERE event_id = $1) f,
         (VALUES ($1::uuid, interval '0', interval '240 ms'), ($2, interval '100 ms', interval '100 ms')) n (event_id, later, by_its_clock)
       WHERE d.event_id = n.event_id`,
      [first, second],
    );
    const { rows } = await ledger.db.pool.query<{ eventId: string }>(
      'SELECT event_id AS "eventId" FROM pending_deliveries ORDER BY id',
    );
    expect(rows.map(({ eventId }) => eventId)).toEqual([second, first]);
    await ledger.settle();
    expect(sent()).toEqual([1, 2]);
  });

  it('sends the events of one batch in its order', async () => {
    const frozen = Array.from({ length: 20 }, (_, n) => {
      const one = freezeEvent(Buffer.from(`{"event":"message:created","payload":{"n":${n}}}`));
      if (!one.ok) throw new Error(one.message);
      return { accountId, frozen: one.frozen, idempotencyKey: null };
    });
    await ledger.publisher.publishAll(frozen);
    await ledger.settle();
    expect(sent()).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it.each([
    { name: 'seconds', waitMs: 5_000, passed: 4 },
    { name: 'hours', waitMs: 7_200_000, passed: 7_000 },
  ])('a retry that waits for $name delays all later deliveries', async ({ waitMs, passed }) => {
    await publishAll(3);
    await dispatch(ledger);
    ledger.results.push(FAILED);
    await attemptNext({ waitsMs: [waitMs] });
    ledger.results.length = 0;
    expect(ledger.jobs).toEqual([]);
    expect(await look(passed)).toBe(0);
    expect(await look(waitMs / 1_000 - passed)).toBe(1);
    await ledger.settle();
    expect(sent()).toEqual([1, 1, 2, 3]);
  });

  it('sends the next one when the one before has failed for good', async () => {
    await publishAll(2);
    await dispatch(ledger);
    ledger.results.push(FAILED);
    await attemptNext({ waitsMs: [] });
    ledger.results.length = 0;
    expect(ledger.jobs).toHaveLength(1);
    await ledger.settle();
    expect(sent()).toEqual([1, 2]);
  });

  it('sends a delivery again before the next one if its worker crashed; its old job does nothing', async () => {
    const [first] = await publishAll(2);
    await dispatch(ledger);
    const [lost] = ledger.jobs.splice(0);
    expect(await look(59)).toBe(0);
    await pass(2);
    if (lost) {
      const end = await ledger.attempter().attempt(lost, new AbortController().signal);
      expect(end).toEqual({ end: 'skipped', why: 'superseded' });
    }
    expect(await look()).toBe(1);
    expect(ledger.jobs[0]?.id).toBe((await deliveryOf(first ?? '')).id);
    await ledger.settle();
    expect(sent()).toEqual([1, 2]);
  });

  it('a held delivery of an active subscription blocks the later ones until it is released', async () => {
    await publishAll(2);
    await pauseSubscription(ledger, { accountId, id });
    await settleAccount(ledger.db.pool, accountId);
    // The API crashes between the commit of the resume and its first step.
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'active' WHERE id = $1`, [id]);
    await publish(3);
    expect(await look()).toBe(0);
    await resumeSubscription(ledger, { accountId, id });
    await ledger.db.pool.query(
      `INSERT INTO settlements (subscription_id) VALUES ($1) ON CONFLICT (subscription_id) DO UPDATE SET due_at = now(), position = NULL`,
      [id],
    );
    await settleAccount(ledger.db.pool, accountId);
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 3]);
  });

  it('keeps the order of publish across pause, resume and publishes between them', async () => {
    await publishAll(3);
    await dispatch(ledger);
    await attemptNext();
    await pauseSubscription(ledger, { accountId, id });
    await publish(4);
    await attemptNext().catch(() => {}); // its job finds the subscription paused
    await settleAccount(ledger.db.pool, accountId);
    expect(await look(120)).toBe(0);
    await resumeSubscription(ledger, { accountId, id });
    await publish(5);
    await settleAccount(ledger.db.pool, accountId);
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 3, 4, 5]);
  });

  it('canceled deliveries do not block, even if one of them is in flight', async () => {
    await publishAll(2);
    await dispatch(ledger);
    const respond = await beginNext();
    await disableSubscription(ledger, { accountId, id });
    await settleAccount(ledger.db.pool, accountId);
    await resumeSubscription(ledger, { accountId, id });
    await publish(3);
    expect(await look()).toBe(1);
    await respond(FAILED);
    await ledger.settle();
    expect(sent()).toEqual([1, 3]);
  });

  it('a replayed delivery goes before newer waiting ones and after the one in flight', async () => {
    await publishAll(3);
    await dispatch(ledger);
    ledger.results.push(FAILED);
    await attemptNext({ waitsMs: [] }); // 1 has failed
    ledger.results.length = 0;
    const respond = await beginNext(); // 2 is in flight
    const started = await startReplay(ledger, replayOf({ accountId, subscriptionId: id }));
    expect(started.outcome).toBe('started');
    while ((await advanceReplays(ledger.db, { atOnce: 10 })) > 0);
    expect(await look()).toBe(0);
    await respond();
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 1, 3]);
  });

  it('a requested retry gets its turn: the head at once, even before it is due, any other later', async () => {
    const [first, , third] = await publishAll(3);
    await dispatch(ledger);
    ledger.results.push(FAILED);
    await attemptNext({ waitsMs: [600_000] });
    ledger.results.length = 0;
    expect((await requestRetry(ledger, { accountId, id: (await deliveryOf(third ?? '')).id })).outcome).toBe(
      'requested',
    );
    expect(await look()).toBe(0);
    expect((await requestRetry(ledger, { accountId, id: (await deliveryOf(first ?? '')).id })).outcome).toBe(
      'requested',
    );
    expect(await look()).toBe(1);
    await ledger.settle();
    expect(sent()).toEqual([1, 1, 2, 3]);
  });

  it('a retry of a finished delivery goes before waiting ones and not beside the one in flight', async () => {
    const [first] = await publishAll(3);
    await dispatch(ledger);
    await attemptNext();
    const respond = await beginNext();
    await requestRetry(ledger, { accountId, id: (await deliveryOf(first ?? '')).id });
    expect(await look()).toBe(0);
    await respond();
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 1, 3]);
  });

  it('makes a requested retry at once while it is paused', async () => {
    const [, second] = await publishAll(2);
    await pauseSubscription(ledger, { accountId, id });
    await settleAccount(ledger.db.pool, accountId);
    await requestRetry(ledger, { accountId, id: (await deliveryOf(second ?? '')).id });
    await ledger.work();
    expect(sent()).toEqual([2]);
  });

  it('sends a test at once; the head waits for it', async () => {
    await publishAll(2);
    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{"n":0}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    expect((await sendTest(ledger, { accountId, id, frozen: frozen.frozen })).outcome).toBe('sent');
    expect(await look()).toBe(1);
    await ledger.settle();
    expect(sent()).toEqual([0, 1, 2]);
  });

  it('the probe of a half-open circuit is the head', async () => {
    const [first] = await publishAll(3);
    await ledger.db.pool.query(
      `UPDATE subscriptions SET failing_since = now(), circuit_opened_count = 1, circuit_open_until = now() - interval '1 second' WHERE id = $1`,
      [id],
    );
    expect(await look()).toBe(1);
    const head = await deliveryOf(first ?? '');
    expect(ledger.jobs[0]?.id).toBe(head.id);
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id } })).toMatchObject({ probeId: head.id });
    expect(await look()).toBe(1);
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 3]);
  });

  it('keeps the order with a rate limit, too', async () => {
    await changeSubscription(ledger, { accountId, id, changes: { rateLimit: 1 } });
    await publishAll(6);
    expect(await look()).toBe(1);
    expect(await look()).toBe(1);
    for (let n = 1; n <= 6; n += 1) {
      await ledger.db.pool.query(
        `UPDATE subscriptions SET next_slot_at = next_slot_at - interval '1 second' WHERE id = $1`,
        [id],
      );
      if (ledger.jobs.length === 0) await look();
      await attemptNext();
      expect(ledger.jobs.length).toBeLessThanOrEqual(1);
    }
    expect(sent()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('after a change to none all may go; after a change to strict, leased ones end first', async () => {
    await publishAll(3);
    expect(await look()).toBe(1);
    await order('none');
    await dispatch(ledger);
    expect(ledger.jobs).toHaveLength(3);
    await order('strict');
    await publish(4);
    await publish(5);
    expect(await look()).toBe(3);
    const respond = await beginNext();
    await attemptNext();
    await attemptNext();
    expect(await look()).toBe(0); // one of the three is in flight
    await respond();
    expect(ledger.jobs).toHaveLength(1);
    await ledger.settle();
    expect(sent().toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(sent().slice(3)).toEqual([4, 5]);
  });

  it('after a change to strict, a retry that is delayed in the queue waits for its turn', async () => {
    await order('none');
    await publishAll(2);
    const [first, second] = ledger.jobs.splice(0);
    ledger.results.push(FAILED);
    for (const [job, waitMs] of [
      [first, 600_000],
      [second, 60_000],
    ] as const) {
      if (job) await ledger.attempter({ waitsMs: [waitMs] }).attempt(job, new AbortController().signal);
    }
    ledger.results.length = 0;
    expect(ledger.jobs.map(({ queue }) => queue)).toEqual(['retry', 'retry']);
    await order('strict');
    await pass(100);
    for (const job of ledger.jobs.splice(0)) {
      expect((await ledger.attempter().attempt(job, new AbortController().signal)).end).toBe('skipped');
    }
    expect(await look()).toBe(0);
    expect(await look(500)).toBe(1);
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 1, 2]);
  });

  it('waits until the chunk of an older fan-out is written, and for no younger or unsubscribed one', async () => {
    const publisher = openPublisher(ledger, { maxDeliveries: 0 });
    const fanOut = async (n: number, type = 'message:created') => {
      const frozen = freezeEvent(Buffer.from(`{"event":"${type}","payload":{"n":${n}}}`));
      if (!frozen.ok) throw new Error(frozen.message);
      const result = await publisher.publish({ accountId, frozen: frozen.frozen, idempotencyKey: null });
      expect(result).toMatchObject({ outcome: 'accepted', event: { isFanOut: true } });
    };
    await changeSubscription(ledger, { accountId, id, changes: { events: ['message:created'] } });
    await fanOut(1);
    await publish(2);
    await fanOut(3);
    expect(await look()).toBe(0);
    await expandFanOuts(ledger); // the first
    expect(await look()).toBe(1);
    await attemptNext();
    await attemptNext();
    expect(sent()).toEqual([1, 2]);
    await publish(4);
    expect(await look()).toBe(0);
    while ((await expandFanOuts(ledger)).isAdvanced);
    await ledger.settle();
    expect(sent()).toEqual([1, 2, 3, 4]);
    await changeSubscription(ledger, { accountId, id, changes: { events: [] } });
    await fanOut(5, 'conversation:created');
    await changeSubscription(ledger, { accountId, id, changes: { events: ['message:created'] } });
    await publish(6);
    expect(await look()).toBe(1);
    await publisher.drain();
  });

  it('does not delay another subscription of the account', async () => {
    const other = await ledger.activeSubscription(accountId, { url: 'https://other.example.com/' });
    await publishAll(10);
    expect(ledger.jobs).toHaveLength(10);
    const waiting = await ledger.db.prisma.delivery.count({ where: { subscriptionId: other.id, leasedUntil: null } });
    expect(waiting).toBe(0);
  });
});
