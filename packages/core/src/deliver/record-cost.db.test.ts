import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dispatch } from '../dispatch/dispatch.js';
import { FAILED, GONE, type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';

// Each connection plans a statement once. These tests plan with nearly empty tables, which then grow.

let ledger: Ledger;
let one: pg.Pool;
beforeEach(async () => {
  ledger = await openLedger();
  one = openSingleConnection(ledger.db);
});
afterEach(async () => {
  await one.end();
  await ledger.close();
});

const OTHERS = 2_000;
const DELIVERIES = 20;

/** Returns how many rows this connection has read so far, by scans and by indexes. */
async function countRowsRead(): Promise<number> {
  await one.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await one.query<{ count: number }>(
    `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 AS count FROM pg_stat_user_tables
     WHERE relname = ANY ('{pending_deliveries,subscriptions,due_subscriptions}')`,
  );
  return rows[0]?.count ?? Infinity;
}

it.each([
  { ending: 'succeed', result: {} },
  { ending: 'fail', result: FAILED },
  { ending: 'disable the subscription', result: GONE },
])('attempts that $ending, and the leases before them, read no rows of other subscriptions', async ({ result }) => {
  ledger.results.splice(0, Infinity, result);
  const deps = { ...ledger, db: { ...ledger.db, pool: one } };
  const worker = ledger.attempter(deps);
  const { signal } = new AbortController();
  async function deliver(count: number): Promise<void> {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: count }, () => ledger.publish(accountId)));
    ledger.jobs.length = 0;
    await one.query('UPDATE pending_deliveries SET due_at = now(), leased_until = NULL WHERE subscription_id = $1', [
      id,
    ]);
    await dispatch(deps);
    const jobs = ledger.jobs.splice(0);
    expect(jobs).toHaveLength(count);
    await Promise.all(jobs.map((job) => worker.attempt(job, signal)));
  }
  await ledger.db.pool.query('VACUUM ANALYZE');
  await deliver(1);

  await one.query(
    `WITH subscription AS (
       INSERT INTO subscriptions (id, account_id, url, events, status)
       SELECT posthorn_uuidv7(), $1, 'https://hooks.example.com/', '{}', 'paused' FROM generate_series(1, $2::int) RETURNING id, account_id
     )
     INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, created_at)
     SELECT posthorn_uuidv7(), account_id, posthorn_uuidv7(), 'message:created', id, 'held', now() FROM subscription`,
    [await ledger.account(), OTHERS],
  );
  const before = await countRowsRead();
  await deliver(DELIVERIES);
  expect((await countRowsRead()) - before).toBeLessThan(30 * DELIVERIES);
});
