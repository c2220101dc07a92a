import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { countWaiting, countWaitingOfAccounts, countWaitingOfSubscriptions } from './count-waiting.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

const count = (accountId: string, subscriptionId?: string) =>
  countWaiting(ledger.db.pool, { accountId, subscriptionId });

it('counts pending and held deliveries of an account and of each subscription, oldest first', async () => {
  const accountId = await ledger.account();
  expect(await count(accountId)).toEqual({ count: 0, oldestAt: null, reasons: [], subscriptions: [] });
  const all = await ledger.activeSubscription(accountId);
  const some = await ledger.activeSubscription(accountId, { events: ['conversation:created'] });
  const idle = await ledger.activeSubscription(accountId, { events: ['conversation:updated'] });
  await ledger.publish(accountId);
  await ledger.publish(accountId, { type: 'conversation:created' });
  await ledger.db.pool.query(
    `UPDATE pending_deliveries SET created_at = '2026-01-01T00:00:00Z' WHERE event_type = 'message:created'`,
  );
  const waiting = await count(accountId);
  expect(waiting).toMatchObject({
    count: 3,
    oldestAt: new Date('2026-01-01T00:00:00Z'),
    subscriptions: [
      { id: all.id, count: 2, oldestAt: new Date('2026-01-01T00:00:00Z') },
      { id: some.id, count: 1 },
    ],
  });
  expect(await count(accountId, some.id)).toMatchObject({ count: 1, subscriptions: [{ id: some.id, url: some.url }] });
  expect(await count(accountId, idle.id)).toEqual({ count: 0, oldestAt: null, reasons: [], subscriptions: [] });
  const another = await ledger.account();
  expect(await count(another, some.id)).toEqual({ count: 0, oldestAt: null, reasons: [], subscriptions: [] });

  ledger.results.splice(0, ledger.results.length, FAILED);
  await ledger.work();
  expect((await count(accountId)).count).toBe(3);
  ledger.results.length = 0;
  await ledger.db.pool.query('UPDATE pending_deliveries SET due_at = now(), leased_until = NULL');
  await ledger.settle();
  expect((await count(accountId)).count).toBe(0);
});

it('says what the oldest wait for, the most frequent first', async () => {
  const accountId = await ledger.account();
  const active = await ledger.activeSubscription(accountId);
  const paused = await ledger.activeSubscription(accountId, { events: ['message:created'] });
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  await pauseSubscription(ledger, paused);
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  expect((await count(accountId, paused.id)).reasons).toEqual([{ state: 'held', count: 2 }]);
  // The lease of a job whose worker has died: of the first delivery, not of the second.
  const { rows } = await ledger.db.pool.query<{ id: string }>(
    'SELECT id FROM pending_deliveries WHERE subscription_id = $1 ORDER BY id',
    [active.id],
  );
  expect(rows).toHaveLength(2);
  await ledger.db.pool.query(
    `UPDATE pending_deliveries SET due_at = now() + interval '1 hour', leased_until = NULL WHERE id = $1`,
    [rows[0]?.id],
  );
  await ledger.db.pool.query(
    `UPDATE pending_deliveries SET due_at = now() - interval '1 minute', leased_until = NULL WHERE id = $1`,
    [rows[1]?.id],
  );
  const { count: all, reasons } = await count(accountId);
  expect(all).toBe(4);
  expect(reasons[0]).toEqual({ state: 'held', count: 2 });
  expect(
    reasons
      .slice(1)
      .map(({ state }) => state)
      .toSorted(),
  ).toEqual(['overdue', 'scheduled']);
});

it('counts up to 10,000 and says if there are more; counts each row of a list up to a limit, within its account', async () => {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.db.pool.query(
    `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status)
     SELECT posthorn_delivery_id($2), $1, $2, 'message:created', $2, 'held' FROM generate_series(1, 10010)`,
    [accountId, id],
  );
  expect(await count(accountId)).toMatchObject({ count: 10_001, subscriptions: [{ count: 10_001 }] });

  const { pool } = ledger.db;
  const another = await ledger.account();
  const ofAccounts = await countWaitingOfAccounts(pool, { ids: [accountId, another], most: 100 });
  expect([ofAccounts.get(accountId)?.count, ofAccounts.get(another)?.count]).toEqual([101, 0]);
  const ofEach = (owner: string) => countWaitingOfSubscriptions(pool, { accountId: owner, ids: [id], most: 100 });
  expect((await ofEach(accountId)).get(id)).toMatchObject({ count: 101, oldestAt: expect.any(Date) });
  expect((await ofEach(another)).size).toBe(0);
});
