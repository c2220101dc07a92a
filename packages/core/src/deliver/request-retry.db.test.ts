import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FAILED, type Ledger, openLedger, somebodyWaits, openSingleConnection } from '../ledger.test-support.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { requestRetry, requestRetryOfJob } from './request-retry.js';
import { cancelDeliveries } from '../settle/cancel-deliveries.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

/** Publishes an event to subscriptions with these URLs. The one whose URL says so fails. */
async function delivered(...urls: string[]): Promise<string> {
  const accountId = await ledger.account();
  for (const url of urls) await ledger.activeSubscription(accountId, { url });
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  ledger.results.push(({ url }) => (url.includes('fails') ? FAILED : {}));
  const worker = ledger.attempter({ waitsMs: [] });
  for (const job of ledger.jobs.splice(0)) await worker.attempt(job, new AbortController().signal);
  return accountId;
}
const failedOf = (accountId: string) =>
  ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId, status: 'failed' } });

describe('a retry', () => {
  it('sends one failed delivery of three again and repeats none of the successful ones', async () => {
    const accountId = await delivered('https://a.example/', 'https://fails.example/', 'https://c.example/');
    expect(ledger.posts).toHaveLength(3);
    const { id } = await failedOf(accountId);
    ledger.results.splice(0, 1, {});
    await requestRetry(ledger, { accountId, id });
    await ledger.work();
    expect(ledger.posts.map(({ url }) => url).slice(3)).toEqual(['https://fails.example/']);
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(3);
  });

  it('replaces the request of a replay, but not that of a test', async () => {
    const accountId = await delivered('https://fails.example/');
    const { id } = await failedOf(accountId);
    await requestRetry(ledger, { accountId, id });
    for (const [asked, then] of [
      ['replay', 'manual'],
      ['test', 'test'],
      ['manual', 'manual'],
    ] as const) {
      await ledger.db.pool.query(
        'UPDATE pending_deliveries SET requested_trigger = $2::attempt_trigger, leased_until = now() WHERE id = $1',
        [id, asked],
      );
      const result = await requestRetry(ledger, { accountId, id });
      expect(result).toMatchObject({ outcome: 'requested', attemptNumber: 2, delivery: { requestedTrigger: then } });
    }
    expect(ledger.jobs).toMatchObject([{ queue: 'deliver', id, attemptNumber: 2 }]);
  });

  it('stores the request if its delivery finishes, or is requested by another call, at that moment', async () => {
    const accountId = await ledger.account();
    const { id: subscriptionId } = await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    const { id } = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    const pool = openSingleConnection(ledger.db);
    onTestFinished(() => pool.end());
    const asker = { ...ledger, db: { ...ledger.db, pool } };
    const whileItMoves = async (move: () => Promise<unknown>) => {
      await pool.query('BEGIN');
      await move();
      const asking = requestRetry(ledger, { accountId, id });
      await somebodyWaits(ledger.db.pool);
      await pool.query('COMMIT');
      expect(await asking).toMatchObject({
        outcome: 'requested',
        attemptNumber: 1,
        delivery: { status: 'canceled', requestedTrigger: 'manual' },
      });
    };
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'disabled' WHERE id = $1`, [subscriptionId]);
    await whileItMoves(() => cancelDeliveries(pool, { subscriptionId }));
    // The request is dropped; the delivery is finished again.
    await ledger.db.pool.query('UPDATE subscriptions SET deleted_at = now() WHERE id = $1', [subscriptionId]);
    await cancelDeliveries(ledger.db.pool, { subscriptionId });
    await ledger.db.pool.query('UPDATE subscriptions SET deleted_at = NULL WHERE id = $1', [subscriptionId]);
    await whileItMoves(() => requestRetry(asker, { accountId, id }));
    await ledger.work();
    expect(ledger.posts).toHaveLength(1);
    expect(await ledger.db.prisma.delivery.findMany({ where: { accountId } })).toMatchObject([
      { id, status: 'succeeded', attemptCount: 1, leasedUntil: null },
    ]);
  });

  it('finds the delivery of a job in any account; refuses an unknown job and a deleted subscription', async () => {
    const accountId = await delivered('https://fails.example/');
    const { id, subscriptionId } = await failedOf(accountId);
    ledger.results.splice(0, 1, {});
    expect(await requestRetryOfJob(ledger, { id })).toMatchObject({ outcome: 'requested', attemptNumber: 2 });
    await ledger.work();
    expect(ledger.posts).toHaveLength(2);
    expect(await requestRetryOfJob(ledger, { id: crypto.randomUUID() })).toEqual({ outcome: 'not_found' });
    await deleteSubscription(ledger, { accountId, id: subscriptionId });
    expect(await requestRetryOfJob(ledger, { id })).toMatchObject({ outcome: 'not_possible' });
    expect(ledger.posts).toHaveLength(2);
  });
});
