import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { leaseDue } from './lease-due.js';
import { dropOldKeys, dispatch } from './dispatch.js';
import { reclaim } from './reclaim.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  await ledger.publisher.drain();
  ledger.jobs.length = 0;
  ledger.answers.length = 0;
  await ledger.db.pool.query('TRUNCATE pending_deliveries, finished_deliveries');
});

const makeDue = () =>
  ledger.db.pool.query(`UPDATE pending_deliveries SET leased_until = NULL WHERE due_at IS NOT NULL`);

describe('dispatcher', () => {
  it('finds what was accepted and never enqueued, and enqueues it once per lease (L1)', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: 20 }, () => ledger.publish(accountId)));
    await ledger.publisher.drain();
    ledger.jobs.length = 0; // the queue forgot it all
    expect((await dispatch(ledger)).enqueued).toBe(0); // not before the lease has run out
    await makeDue();
    expect((await dispatch(ledger)).enqueued).toBe(20);
    expect((await dispatch(ledger)).enqueued).toBe(0);
    await ledger.work();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(20);
  });

  it('a finished job may be in the way of a delivery whose lease has expired, and of no other', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.db.prisma.subscription.update({ where: { id }, data: { rateLimit: 10 } });
    await ledger.publish(accountId); // deferred
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    const replaced = async () => {
      await dispatch(ledger);
      return ledger.jobs.splice(0).map(({ replacesFinished }) => replacesFinished);
    };
    expect(await replaced()).toEqual([false]);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = due_at - interval '70 seconds', leased_until = leased_until - interval '70 seconds'`,
    );
    expect(await replaced()).toEqual([true, true]);
  });

  it('after the queue lost its memory nothing waits for its lease: due now is now, due later is at its time (L3, L4)', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    const [first] = ledger.jobs.splice(0);
    ledger.answers.push(FAILED);
    if (first) await ledger.attempter({ waitsMs: [600_000] }).attempt(first, new AbortController().signal);
    ledger.jobs.length = 0;
    expect(await reclaim(ledger.db.pool)).toBe(2);
    expect(await reclaim(ledger.db.pool)).toBe(0);
    expect((await dispatch(ledger)).enqueued).toBe(1);
    const later = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId, attemptCount: 1 } });
    expect(later).toMatchObject({ status: 'pending', leasedUntil: null });
    expect(later.dueAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it('first attempts go to deliver, next ones to retry (I3)', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    ledger.answers.push(FAILED);
    await ledger.work();
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    // Their leases have run out.
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now() - interval '1 minute', leased_until = now() WHERE due_at IS NOT NULL`,
    );
    await dispatch(ledger);
    expect(new Set(ledger.jobs.map(({ queue, attemptNumber }) => `${queue} ${attemptNumber}`))).toEqual(
      new Set(['deliver 1', 'retry 4']),
    );
  });

  it('is fair: beside a backlog of 300, another subscription’s single delivery is in the first round', async () => {
    const [large, small] = [await ledger.account(), await ledger.account()];
    await ledger.activeSubscription(large);
    await ledger.activeSubscription(small);
    await Promise.all(Array.from({ length: 300 }, () => ledger.publish(large)));
    await ledger.publish(small);
    await makeDue();
    const { deliveries: leased } = await leaseDue(ledger.db.pool, { perSubscription: 50, limit: 60 });
    expect(leased).toHaveLength(51);
    const smalls = await ledger.db.prisma.delivery.findMany({ where: { accountId: small } });
    expect(leased.some(({ id }) => id === smalls[0]?.id)).toBe(true);
  });

  it('the turn goes round: with room for fewer than all, nobody gets a second before all have a first', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => ledger.account()));
    for (const accountId of accounts) await ledger.activeSubscription(accountId);
    for (const accountId of accounts) await Promise.all(Array.from({ length: 10 }, () => ledger.publish(accountId)));
    await makeDue();
    const { deliveries: leased } = await leaseDue(ledger.db.pool, { perSubscription: 50, limit: 5 });
    const owners = await ledger.db.prisma.delivery.findMany({ where: { id: { in: leased.map(({ id }) => id) } } });
    expect(new Set(owners.map(({ accountId }) => accountId)).size).toBe(5);
  });

  it('several at once lease each delivery once', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: 200 }, () => ledger.publish(accountId)));
    await makeDue();
    const rounds = await Promise.all(
      Array.from({ length: 4 }, () => leaseDue(ledger.db.pool, { perSubscription: 200, limit: 1_000 })),
    );
    const ids = rounds.flatMap(({ deliveries }) => deliveries).map(({ id }) => id);
    expect(ids).toHaveLength(200);
    expect(new Set(ids).size).toBe(200);
  });

  it('what the queue does not take comes again within seconds (L5)', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await makeDue();
    ledger.setQueue(false);
    await dispatch(ledger);
    ledger.setQueue(true);
    const { leasedUntil } = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    expect((leasedUntil?.getTime() ?? 0) - Date.now()).toBeLessThan(3_000);
  });

  it('regression: drops all old idempotency keys, however many, so that they do not grow for ever', async () => {
    const accountId = await ledger.account();
    await ledger.db.pool.query(
      `INSERT INTO idempotency_keys (account_id, key, event_id, body_hash, created_at)
       SELECT $1, 'k' || n, posthorn_uuidv7(), '', now() - interval '25 hours' FROM generate_series(1, 20001) n`,
      [accountId],
    );
    expect(await dropOldKeys(ledger.db.pool)).toBe(20_001);
  });

  it('regression: what the queue does not take is no job made: the dispatcher does not hurry on while the queue is away', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await makeDue();
    ledger.setQueue(false);
    expect((await dispatch(ledger)).enqueued).toBe(0);
    ledger.setQueue(true);
    await makeDue();
    expect((await dispatch(ledger)).enqueued).toBe(1);
  });

  it('drops idempotency keys after their 24 h, and no sooner', async () => {
    const accountId = await ledger.account();
    await ledger.publish(accountId, { key: 'old' });
    await ledger.publish(accountId, { key: 'new' });
    await ledger.db.pool.query(
      `UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'old'`,
    );
    expect(await dropOldKeys(ledger.db.pool)).toBe(1);
    expect(await ledger.db.prisma.idempotencyKey.findMany({ where: { accountId } })).toMatchObject([{ key: 'new' }]);
  });
});
