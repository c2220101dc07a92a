import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { countWaiting, countWaitingOfAccounts, countWaitingOfSubscriptions } from './count-waiting.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

const count = (accountId: string, subscriptionId?: string) =>
  countWaiting(ledger.db.pool, { accountId, subscriptionId });

it('counts pending and held deliveries of an account and of each subscription, oldest first', async () => {
  const accountId = await ledger.account();
  expect(await count(accountId)).toEqual({ count: 0, oldestAt: null, subscriptions: [] });
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
  expect(await count(accountId, idle.id)).toEqual({ count: 0, oldestAt: null, subscriptions: [] });
  const another = await ledger.account();
  expect(await count(another, some.id)).toEqual({ count: 0, oldestAt: null, subscriptions: [] });

  ledger.results.splice(0, ledger.results.length, FAILED);
  await ledger.work();
  expect((await count(accountId)).count).toBe(3);
  ledger.results.length = 0;
  await ledger.db.pool.query('UPDATE pending_deliveries SET due_at = now(), leased_until = NULL');
  await ledger.settle();
  expect((await count(accountId)).count).toBe(0);
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
