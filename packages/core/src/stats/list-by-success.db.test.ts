import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { findShardsToFold, foldStats } from './fold-stats.js';
import {
  type ListedBySuccess,
  listAccountsBySuccess,
  listSubscriptionsBySuccess,
  type SuccessPlace,
} from './list-by-success.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

/** Adds attempts of a subscription: the newest ones are not folded into the statistics yet. */
async function attempts(
  of: { accountId: string; id: string },
  counts: Record<string, number>,
  hoursAgo = 0,
): Promise<void> {
  for (const [outcome, count] of Object.entries(counts))
    await ledger.db.pool.query(
      `INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome)
       VALUES ($1, $2, 'message:created', date_bin('1 minute', now() - $3 * interval '1 hour', 'epoch'), $4, $5)`,
      [of.accountId, of.id, hoursAgo, count, outcome],
    );
}
const fold = async () => {
  for (const shard of await findShardsToFold(ledger.db.pool)) await foldStats(ledger.db.pool, { shard, atOnce: 1_000 });
};

/** The rows of all pages of one row each. */
async function placesOf(
  read: (wanted: { after: SuccessPlace | null; limit: number }) => Promise<ListedBySuccess>,
): Promise<SuccessPlace[]> {
  const found: SuccessPlace[] = [];
  while (found.length < 20) {
    const { places } = await read({ after: found.at(-1) ?? null, limit: 1 });
    if (places.length === 0) return found;
    found.push(...places);
  }
  throw new Error('the pages do not end');
}

it('lists every subscription of an account once: the lowest success rate of the last day first, then those without attempts', async () => {
  const accountId = await ledger.account();
  const add = () => ledger.activeSubscription(accountId);
  const [fine, third, failing, aborted, twin, old] = [
    await add(),
    await add(),
    await add(),
    await add(),
    await add(),
    await add(),
  ];
  const another = await ledger.activeSubscription(await ledger.account());
  await attempts(another, { timeout: 1 });
  await attempts(fine, { ok: 3 });
  await attempts(third, { ok: 1, http_error: 1, aborted: 5 }, 23);
  await attempts(failing, { timeout: 2, blocked: 1 }, 2);
  await attempts(aborted, { aborted: 4 });
  await attempts(old, { http_error: 4 }, 30);
  await fold();
  await attempts(third, { connect_error: 1 }); // folded and new ones count together
  await attempts(twin, { ok: 1 });
  const list = (wanted: Partial<Parameters<typeof listSubscriptionsBySuccess>[1]> = {}) =>
    listSubscriptionsBySuccess(ledger.db.pool, { accountId, after: null, limit: 100, ...wanted });
  const all = [
    { id: failing.id, rate: 0 },
    { id: third.id, rate: 1 / 3 },
    { id: twin.id, rate: 1 },
    { id: fine.id, rate: 1 },
    { id: old.id, rate: null },
    { id: aborted.id, rate: null },
  ];
  expect(await list()).toEqual({ places: all, sortedNewest: null });
  expect(await placesOf(list)).toEqual(all);
  expect(await list({ statuses: ['paused'] })).toEqual({ places: [], sortedNewest: null });

  expect(await list({ most: 6 })).toEqual({ places: all, sortedNewest: null });
  const newest = [failing.id, old.id, aborted.id, twin.id];
  expect(await list({ most: 4 })).toEqual({ places: all.filter(({ id }) => newest.includes(id)), sortedNewest: 4 });
});

it('lists every account once, in the same order', async () => {
  const ids = ['b', 'a', 'd', 'c'].map((name) => `${name}-success-test`);
  for (const id of ids) await ledger.account(id);
  const [b = '', a = '', d = '', c = ''] = ids;
  const webhook = (accountId: string) => ledger.activeSubscription(accountId);
  await attempts(await webhook(d), { ok: 1, timeout: 1 });
  await fold();
  await attempts(await webhook(d), { ok: 1, timeout: 1 });
  await attempts(await webhook(a), { ok: 1 });
  await attempts(await webhook(b), { ok: 5 });
  const list = async (wanted: { after: SuccessPlace | null; limit: number }) =>
    listAccountsBySuccess(ledger.db.pool, wanted);
  const found = (await placesOf(list)).filter(({ id }) => ids.includes(id));
  expect(found).toEqual([
    { id: d, rate: 1 / 2 },
    { id: a, rate: 1 },
    { id: b, rate: 1 },
    { id: c, rate: null },
  ]);
});
