import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FAILED, type Ledger, interpose, openLedger, settleAccount } from '../ledger.test-support.js';
import { deleteSubscription } from './delete-subscription.js';
import { disableSubscription } from './disable-subscription.js';
import { pauseSubscription } from './pause-subscription.js';
import { resumeSubscription } from './resume-subscription.js';
import type { SubscriptionKey } from './subscription.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const { signal } = new AbortController();

/** Returns the number of deliveries of an account by status. */
async function statuses(accountId: string): Promise<Record<string, number>> {
  const groups = await ledger.db.prisma.delivery.groupBy({ by: ['status'], where: { accountId }, _count: true });
  return Object.fromEntries(groups.map(({ status, _count }) => [status, _count]));
}

const subscriptionOf = ({ id }: SubscriptionKey) => ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id } });

/** An active subscription with `count` pending deliveries. */
async function withPending(count: number): Promise<SubscriptionKey> {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await Promise.all(Array.from({ length: count }, () => ledger.publish(accountId)));
  await ledger.publisher.drain();
  return { accountId, id };
}

describe('disable with hold', () => {
  it('holds all pending and held deliveries; queued jobs post nothing; after a resume all are delivered', async () => {
    const key = await withPending(50);
    await pauseSubscription(ledger, key);
    await resumeSubscription(ledger, key);
    expect(await disableSubscription(ledger, { ...key, deliveries: 'hold' })).toMatchObject({
      outcome: 'done',
      subscription: { status: 'disabled', statusReason: 'manual', holdsWhenDisabled: true },
    });
    expect(await statuses(key.accountId)).toEqual({ held: 50 });
    await ledger.work();
    expect(ledger.posts).toHaveLength(0);
    await resumeSubscription(ledger, key);
    await ledger.settle();
    expect(await statuses(key.accountId)).toEqual({ succeeded: 50 });
    expect(ledger.posts).toHaveLength(50);
  });

  it('from paused: held deliveries stay held', async () => {
    const key = await withPending(3);
    await pauseSubscription(ledger, key);
    await disableSubscription(ledger, { ...key, deliveries: 'hold' });
    expect(await statuses(key.accountId)).toEqual({ held: 3 });
  });

  it('creates no deliveries for events published while it is disabled', async () => {
    const key = await withPending(1);
    await disableSubscription(ledger, { ...key, deliveries: 'hold' });
    await ledger.publish(key.accountId);
    expect(await statuses(key.accountId)).toEqual({ held: 1 });
  });

  it('a failure in flight stays held and uses up its attempt; a success in flight succeeds', async () => {
    for (const [result, status] of [
      [FAILED, 'held'],
      [{}, 'succeeded'],
    ] as const) {
      const key = await withPending(1);
      ledger.results.splice(0, 1, async () => {
        await disableSubscription(ledger, { ...key, deliveries: 'hold' });
        return result;
      });
      const [job] = ledger.jobs.splice(0);
      if (job) await ledger.attempter().attempt(job, signal);
      expect(await statuses(key.accountId)).toEqual({ [status]: 1 });
      expect(await subscriptionOf(key)).toMatchObject({ status: 'disabled', statusReason: 'manual' });
    }
  });

  it('after a crash right after the commit, a worker holds the other deliveries instead of canceling them', async () => {
    const key = await withPending(3);
    const db = interpose(ledger.db, (statement, run) =>
      statement.includes('UPDATE pending_deliveries') ? Promise.reject(new Error('ended')) : run(),
    );
    await expect(disableSubscription({ db }, { ...key, deliveries: 'hold' })).rejects.toThrow('ended');
    expect(await statuses(key.accountId)).toEqual({ pending: 3 });
    await settleAccount(ledger.db.pool, key.accountId);
    expect(await statuses(key.accountId)).toEqual({ held: 3 });
  });

  it('a deletion cancels the held deliveries', async () => {
    const key = await withPending(2);
    await disableSubscription(ledger, { ...key, deliveries: 'hold' });
    await deleteSubscription(ledger, key);
    expect(await statuses(key.accountId)).toEqual({ canceled: 2 });
  });
});

describe('disabled again', () => {
  it('cancel after hold cancels held deliveries; hold after cancel restores nothing; no choice changes nothing', async () => {
    const key = await withPending(2);
    await disableSubscription(ledger, { ...key, deliveries: 'hold' });
    await disableSubscription(ledger, key);
    expect(await statuses(key.accountId)).toEqual({ held: 2 });
    await disableSubscription(ledger, { ...key, deliveries: 'cancel' });
    expect(await statuses(key.accountId)).toEqual({ canceled: 2 });
    await disableSubscription(ledger, { ...key, deliveries: 'hold' });
    expect(await statuses(key.accountId)).toEqual({ canceled: 2 });
    expect(await subscriptionOf(key)).toMatchObject({ statusReason: 'manual', holdsWhenDisabled: true });
  });

  it('keeps its first reason and time', async () => {
    const key = await withPending(0);
    await ledger.db.pool.query(
      `UPDATE subscriptions SET status = 'disabled', status_reason = 'gone', status_changed_at = '2026-01-01' WHERE id = $1`,
      [key.id],
    );
    const before = await subscriptionOf(key);
    await disableSubscription(ledger, { ...key, deliveries: 'hold' });
    const { statusReason, statusChangedAt } = await subscriptionOf(key);
    expect([statusReason, statusChangedAt]).toEqual(['gone', before.statusChangedAt]);
  });
});

describe('every delivery ends in a named status', () => {
  // The delayed job of an earlier retry kept its id in the queue. The queue therefore ignored the dispatcher's job with
  // that id.
  it('paused while attempts are due, delayed and in flight: all are held, and all succeed after the resume', async () => {
    const key = await withPending(4);
    const [delayed, running] = ledger.jobs.splice(0, 2);
    if (!delayed || !running) throw new Error('too few jobs');
    ledger.results.splice(0, 1, FAILED);
    await ledger.attempter({ waitsMs: [600_000] }).attempt(delayed, signal);
    ledger.results.splice(0, 1, async () => {
      await pauseSubscription(ledger, key);
      return FAILED;
    });
    await ledger.attempter({ waitsMs: [600_000] }).attempt(running, signal);
    await ledger.publish(key.accountId);
    await ledger.work();
    expect(await statuses(key.accountId)).toEqual({ held: 5 });
    ledger.results.length = 0;
    await resumeSubscription(ledger, key);
    await ledger.settle();
    expect(await statuses(key.accountId)).toEqual({ succeeded: 5 });
  });

  it('disabled or deleted while attempts are due, delayed, held, requested and in flight: none stays open', async () => {
    for (const verb of [disableSubscription, deleteSubscription]) {
      const key = await withPending(6);
      const [failed, asked, running, ...due] = ledger.jobs.splice(0);
      if (!failed || !asked || !running) throw new Error('too few jobs');
      ledger.results.splice(0, 1, FAILED);
      await ledger.attempter({ waitsMs: [600_000] }).attempt(failed, signal);
      await ledger.db.pool.query(`UPDATE pending_deliveries SET requested_trigger = 'manual' WHERE id = $1`, [
        asked.id,
      ]);
      await ledger.db.pool.query(
        `UPDATE pending_deliveries SET status = 'held', due_at = NULL, leased_until = NULL WHERE id = $1`,
        [due[0]?.id],
      );
      ledger.results.splice(0, 1, async () => {
        await verb(ledger, key);
        return FAILED;
      });
      await ledger.attempter().attempt(running, signal);
      ledger.results.splice(0, 1, FAILED);
      await ledger.work();
      expect(await statuses(key.accountId)).toEqual({ canceled: 6 });
      const open = await ledger.db.prisma.delivery.count({
        where: { accountId: key.accountId, OR: [{ leasedUntil: { not: null } }, { statusReason: null }] },
      });
      expect(open).toBe(0);
    }
  });
});
