import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { listAccountsByWaiting, listSubscriptionsByWaiting, type WaitingPlace } from './list-by-waiting.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

type Read = (wanted: { after: WaitingPlace | null; limit: number }) => Promise<WaitingPlace[]>;

/** The ids of all pages of one row each. */
async function idsOf(read: Read): Promise<string[]> {
  const ids: string[] = [];
  let after: WaitingPlace | null = null;
  while (ids.length < 20) {
    const [row]: WaitingPlace[] = await read({ after, limit: 1 });
    if (row === undefined) return ids;
    ids.push(row.id);
    after = row;
  }
  throw new Error(`the pages do not end: ${ids.join(', ')}`);
}

it('lists every account once: the longest waiting first, then those without waiting deliveries by id', async () => {
  const accounts = ['c', 'b', 'd', 'a'].map((name) => `${name}-waiting-test`);
  for (const id of accounts) await ledger.account(id);
  const [c = '', b = '', d = '', a = ''] = accounts;
  for (const id of [b, c, d]) await ledger.activeSubscription(id);
  for (const id of [d, b, d]) await ledger.publish(id);
  const list: Read = (wanted) => listAccountsByWaiting(ledger.db.pool, wanted);
  expect(await idsOf(list)).toEqual([d, b, a, c]);
  expect((await list({ after: null, limit: 100 })).map(({ id }) => id)).toEqual([d, b, a, c]);

  await ledger.db.pool.query('UPDATE accounts SET deleted_at = now() WHERE id = ANY ($1)', [[d, a]]);
  expect(await idsOf(list)).toEqual([b, c]);
});

it('lists every subscription of an account once: the longest waiting first, then the others, newest first', async () => {
  const accountId = await ledger.account();
  const add = (type: string) => ledger.activeSubscription(accountId, { events: [type] });
  const idle = await add('conversation:updated');
  const late = await add('message:created');
  const later = await add('conversation:created');
  const twin = await add('conversation:created');
  const newest = await add('conversation:updated');
  const another = await ledger.activeSubscription(await ledger.account());
  await ledger.publish(another.accountId);
  await ledger.publish(accountId, { type: 'message:created' });
  await ledger.publish(accountId, { type: 'conversation:created' });
  await ledger.publish(accountId, { type: 'message:created' });
  const list =
    (statuses?: string[]): Read =>
    (wanted) =>
      listSubscriptionsByWaiting(ledger.db.pool, { accountId, statuses, ...wanted });
  const ids = await idsOf(list());
  expect(ids.slice(1, 3).toSorted()).toEqual([later.id, twin.id].toSorted());
  expect([ids[0], ...ids.slice(3)]).toEqual([late.id, newest.id, idle.id]);

  await ledger.publisher.drain();
  await pauseSubscription(ledger, late);
  expect(await idsOf(list(['paused']))).toEqual([late.id]);
  expect(await idsOf(list(['active']))).not.toContain(late.id);
});
