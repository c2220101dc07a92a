import { pairsCompared, type PlanNode, rowsRead } from '@posthorn/testing';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { SHARDS } from '../shards.js';
import { findDueShards } from './due-subscriptions.js';
import { CLOCK_AHEAD_MS } from '../deliveries/strict-order.js';
import { leaseDue } from './lease-due.js';

// Rows and buffers that a round reads, as Postgres counts them. The cost may depend only on what the round leases.

const LIMIT = 200;
const ACCOUNTS = 20;

let ledger: Ledger;
let one: pg.Pool;
beforeAll(async () => {
  ledger = await openLedger();
  // One connection, so that EXPLAIN sees the prepared statements.
  one = openSingleConnection(ledger.db);
  await ledger.db.pool.query(`INSERT INTO accounts (id) SELECT 'a' || n FROM generate_series(1, ${ACCOUNTS}) n`);
  await findDueShards(one);
  await addDeliveries({ subscriptions: 1, each: 1 });
  await leaseDue(one, { perSubscription: 1, limit: 1, shards: SHARDS });
});
afterAll(async () => {
  await one.end();
  await ledger.close();
});
beforeEach(async () => {
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions');
});

interface Cost {
  leased: number;
  /** Rows read by scans, without the rows that a write reads again to write them. */
  rows: number;
  buffers: number;
  /** Pairs of rows that joins compared in vain. */
  pairs: number;
}

async function explain(execute: string, on = one): Promise<Cost> {
  const { rows } = await on.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE ${execute}`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (!plan) throw new Error('EXPLAIN returned no plan');
  return {
    leased: plan['Actual Rows'],
    rows: rowsRead(plan),
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    pairs: pairsCompared(plan),
  };
}
async function round(on = one): Promise<Cost> {
  const { due } = await findDueShards(on);
  return explain(`"lease-due" (250, ${LIMIT}, '{${due.join()}}')`, on);
}

/** Creates subscriptions with `each` pending deliveries: due now, or retries of tomorrow. */
async function addDeliveries({
  subscriptions,
  each,
  due = 'now()',
}: {
  subscriptions: number;
  each: number;
  due?: string;
}) {
  await ledger.db.pool.query(
    `WITH made AS (
       INSERT INTO subscriptions (id, account_id, url, status)
       SELECT posthorn_uuidv7(), 'a' || 1 + n % ${ACCOUNTS}, 'https://hooks.example.com/', 'active' FROM generate_series(1, $1::int) n
       RETURNING id, account_id
     )
     INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at)
     SELECT posthorn_uuidv7(), m.account_id, posthorn_uuidv7(), 'message:created', m.id, 'pending', ${due}
     FROM made m, generate_series(1, $2::int)`,
    [subscriptions, each],
  );
}

it.each([
  { subscriptions: 60, each: 25 },
  { subscriptions: 500, each: 1 },
  { subscriptions: 1, each: 1_500 },
])('a round reads at most five rows per leased delivery: $subscriptions × $each due', async (backlog) => {
  await addDeliveries(backlog);
  for (let n = 0; n < 2; n += 1) {
    const { leased, rows, buffers, pairs } = await round();
    expect(leased).toBeGreaterThan(LIMIT / 2);
    expect(rows).toBeLessThanOrEqual(5 * leased);
    expect(buffers).toBeLessThanOrEqual(40 * leased);
    expect(pairs).toBeLessThanOrEqual(LIMIT);
  }
});

it('a long backlog costs no more reads than a short one', async () => {
  await addDeliveries({ subscriptions: 10, each: 40 });
  const short = await round();
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions');
  await addDeliveries({ subscriptions: 10, each: 400 });
  const long = await round();
  expect(long.leased).toBe(short.leased);
  expect(long.rows).toBeLessThanOrEqual(short.rows);
  expect(long.buffers).toBeLessThanOrEqual(1.5 * short.buffers);
});

it('deliveries that are due later cost only one probe per shard', async () => {
  await addDeliveries({ subscriptions: 500, each: 2, due: `now() + interval '1 day'` });
  const cost = await explain(`"find-due-shards" ('{${SHARDS.join()}}')`);
  expect(cost.leased).toBe(0);
  expect(cost.rows).toBeLessThanOrEqual(SHARDS.length);
  expect(cost.buffers).toBeLessThanOrEqual(4 * SHARDS.length);
  expect(await findDueShards(one)).toEqual({ due: [], isAnySoon: false });
});

it('checks a subscription without room less and less often', async () => {
  await addDeliveries({ subscriptions: 100, each: 20 });
  await ledger.db.pool.query(`UPDATE subscriptions SET concurrency_limit = 1`);
  expect((await round()).leased).toBe(100);
  await ledger.passSecond();
  expect((await round()).leased).toBe(0);
  // No lease for a while: the next look is a second after this one.
  await ledger.db.pool.query(
    `UPDATE pending_deliveries SET leased_until = leased_until - interval '20 seconds' WHERE leased_until IS NOT NULL`,
  );
  await ledger.passSecond();
  const { rows: clock } = await ledger.db.pool.query<{ now: string }>('SELECT now()::text AS now');
  expect((await round()).leased).toBe(0);
  const { rows } = await ledger.db.pool.query<{ early: number; within: number }>(
    `SELECT count(*) FILTER (WHERE due_at < $1::timestamptz + interval '1 second')::int AS early,
       count(DISTINCT subscription_id) FILTER (WHERE due_at <= now() + interval '1 second')::int AS within FROM due_subscriptions`,
    [clock[0]?.now],
  );
  expect(rows).toEqual([{ early: 0, within: 100 }]);
});

it('the head of a strict order costs what was published within a quarter of a second, not the backlog', async () => {
  await addDeliveries({ subscriptions: 1, each: 0 });
  const { rows: made } = await ledger.db.pool.query<{ id: string }>(
    `UPDATE subscriptions SET ordering = 'strict' WHERE id = (SELECT max(id::text)::uuid FROM subscriptions) RETURNING id`,
  );
  // One event each millisecond.
  await ledger.db.pool.query(
    `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at)
     SELECT posthorn_delivery_id(posthorn_uuid_at(t)), s.account_id, posthorn_uuidv7(), 'message:created', s.id, t, 'pending', t
     FROM subscriptions s, LATERAL (SELECT now() - n * interval '1 ms' AS t FROM generate_series(1, 5000) n) times WHERE s.id = $1`,
    [made[0]?.id],
  );
  const { leased, rows } = await round();
  expect(leased).toBe(1);
  expect(rows).toBeLessThanOrEqual(2 * CLOCK_AHEAD_MS);
});

it('regression: a connection that plans its statements beside a large backlog of one subscription does not read it for others', async () => {
  await addDeliveries({ subscriptions: 1, each: 20_000, due: `now() + interval '1 day'` });
  await ledger.db.pool.query('ANALYZE');
  const late = openSingleConnection(ledger.db);
  try {
    await leaseDue(late, { perSubscription: 1, limit: 1, shards: SHARDS });
    await addDeliveries({ subscriptions: 2, each: 1 });
    await ledger.db.pool.query(
      `UPDATE subscriptions SET ordering = 'strict' WHERE id = (SELECT max(id::text)::uuid FROM subscriptions)`,
    );
    const { leased, rows } = await round(late);
    expect(leased).toBe(2);
    expect(rows).toBeLessThan(100);
  } finally {
    await late.end();
  }
});
