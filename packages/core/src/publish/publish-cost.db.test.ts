import { pairsCompared, type PlanNode } from '@posthorn/testing';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { loadDeliveries } from '../deliver/load-deliveries.js';
import { newId } from '../id.js';
import { type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { insertEvents } from './insert-events.js';

// Buffers that statements read, as Postgres counts them. The cost may depend only on what is published, not on other accounts.

let ledger: Ledger;
let one: pg.Pool;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
// One connection, so that EXPLAIN sees the prepared statements.
beforeEach(() => void (one = openSingleConnection(ledger.db)));
afterEach(() => one.end());

const EVENTS = 20;

async function readBuffers(execute: string): Promise<number> {
  const { rows } = await one.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE ${execute}`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  return (plan?.['Shared Hit Blocks'] ?? NaN) + (plan?.['Shared Read Blocks'] ?? NaN);
}

/** How often a publish of two events evaluates the payloads for filters. */
async function countPayloadReads(accountId: string): Promise<number> {
  const frozen = { type: 'message:created', suppressed: false, body: Buffer.from('{}') };
  await insertEvents(one, [{ id: newId(), accountId, frozen, createdAt: new Date(), idempotency: null }]);
  const both = (value: string) => `'{${value},${value}}'`;
  const { rows } = await one.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, TIMING off, FORMAT json) EXECUTE "insert-events" ('{}', 5000, '{${newId()},${newId()}}', ${both(accountId)},
      ${both('message:created')}, ${both('1')}, ${both('2')}, ${both('f')}, ${both('now')}, ${both('NULL')}, ${both('NULL')}, ${both('NULL')}, ${both('NULL')})`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  const payloads = plan && withChildren(plan).find((node) => node['Subplan Name'] === 'CTE payloads');
  return payloads ? payloads['Actual Loops'] * payloads['Actual Rows'] : NaN;
}

const withChildren = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(withChildren)];

it('a publish reads payloads only for accounts with a filter, and each once', async () => {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.activeSubscription(accountId);
  const filtered = await ledger.account();
  const set = (of: string, subscription: string, filter: string | null) =>
    changeSubscription(ledger, { accountId: of, id: subscription, changes: { filter } });
  for (let n = 0; n < 3; n += 1) await set(filtered, (await ledger.activeSubscription(filtered)).id, '$.n == 1');
  await one.query('SET plan_cache_mode = force_generic_plan');
  expect(await countPayloadReads(accountId)).toBe(0);
  expect(await countPayloadReads(filtered)).toBe(2);
  await set(accountId, id, '$.n == 1');
  expect(await countPayloadReads(accountId)).toBe(2);
  await set(accountId, id, null);
  expect(await countPayloadReads(accountId)).toBe(0);
});

it.each([
  { others: 200, each: 5 },
  { others: 2_000, each: 1 },
  { others: 1_000, each: 20 },
])('a publish and a load read no rows of others: $others accounts with $each subscriptions each', async (owned) => {
  const accountId = await ledger.account();
  await ledger.activeSubscription(accountId);
  // Postgres has statistics from before: it analyzes the tables again only after a while.
  await ledger.db.pool.query('VACUUM ANALYZE accounts, subscriptions, pending_deliveries, events');
  await ledger.db.pool.query(
    `WITH made AS (
       INSERT INTO accounts (id) SELECT 'other-' || $1::int || '-' || $2::int || '-' || n FROM generate_series(1, $1::int) n RETURNING id
     )
     INSERT INTO subscriptions (id, account_id, url, events, status)
     SELECT posthorn_uuidv7(), id, 'https://hooks.example.com/', '{}', 'active' FROM made, generate_series(1, $2::int)`,
    [owned.others, owned.each],
  );
  const frozen = { type: 'message:created', suppressed: false, body: Buffer.from('{}') };
  const publish = (count: number) =>
    insertEvents(
      one,
      Array.from({ length: count }, () => ({
        id: newId(),
        accountId,
        frozen,
        createdAt: new Date(),
        idempotency: null,
      })),
    );
  // Postgres switches to a generic plan when five custom plans were not cheaper. Busy processes use it.
  await one.query('SET plan_cache_mode = force_generic_plan');
  const [published] = await publish(1);
  const directIds = published?.directIds ?? [];
  await loadDeliveries(one, directIds);

  const repeat = (value: string) => `'{${Array.from({ length: EVENTS }, () => value).join()}}'`;
  const ids = `'{${Array.from({ length: EVENTS }, newId).join()}}'`;
  const buffers = await readBuffers(
    `"insert-events" ('{}', 5000, ${ids}, ${repeat(accountId)}, ${repeat('message:created')}, ${repeat('1')}, ${repeat('2')}, ${repeat('f')},
      ${repeat('now')}, ${repeat('NULL')}, ${repeat('NULL')}, ${repeat('NULL')}, ${repeat('NULL')})`,
  );
  expect(buffers).toBeLessThanOrEqual(30 * EVENTS);
  expect(await readBuffers(`"load-deliveries" ('{${directIds.join()}}')`)).toBeLessThanOrEqual(60);
});

it('publishing 160 events of 160 accounts costs as much for each as 20 of 20: nothing is compared with everything', async () => {
  const accounts = await Promise.all(Array.from({ length: 160 }, () => ledger.account()));
  for (const account of accounts) await ledger.activeSubscription(account);
  await ledger.db.pool.query('VACUUM ANALYZE accounts, subscriptions, pending_deliveries, events');
  await one.query('SET plan_cache_mode = force_generic_plan');
  const frozen = { type: 'message:created', suppressed: false, body: Buffer.from('{}') };
  const [first = ''] = accounts;
  await insertEvents(one, [{ id: newId(), accountId: first, frozen, createdAt: new Date(), idempotency: null }]);

  const few = await publishCost(accounts.slice(0, 20));
  const many = await publishCost(accounts);
  expect(few.pairs / 20).toBeLessThanOrEqual(5);
  expect(many.pairs / 160).toBeLessThanOrEqual(5);
  expect(many.buffers / 160).toBeLessThanOrEqual((few.buffers / 20) * 1.2);
  expect(many.buffers / 160).toBeLessThanOrEqual(45);
});

/** Publishes an event to each account, as a busy process does. */
async function publishCost(accounts: string[]): Promise<{ buffers: number; pairs: number }> {
  const array = (value: (account: string) => string) => `'{${accounts.map(value).join()}}'`;
  const none = array(() => 'NULL');
  const { rows } = await one.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE "insert-events" ('{}', 5000, ${array(newId)}, ${array((account) => account)},
      ${array(() => 'message:created')}, ${array(() => '1')}, ${array(() => '2')}, ${array(() => 'f')}, ${array(() => 'now')}, ${none}, ${none}, ${none},
      ${none})`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (!plan) throw new Error('EXPLAIN must return a plan');
  return { buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], pairs: pairsCompared(plan) };
}
