import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { hasUnleased, leasedOf } from './lease.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

it.each([
  ['leased deliveries', `SELECT count(*) FROM (${leasedOf('$1', { limit: 50 })}) d`],
  ['deliveries without a lease', `SELECT ${hasUnleased('$1')}`],
])('a plan that was made for an empty table finds %s by the index of leases', async (_, query) => {
  const client = await ledger.db.pool.connect();
  try {
    await client.query('SET plan_cache_mode = force_generic_plan');
    await client.query(`PREPARE scanned (uuid) AS ${query}`);
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (COSTS OFF) EXECUTE scanned ('00000000-0000-7000-8000-000000000000')`,
    );
    const scans = rows.map((row) => row['QUERY PLAN']).filter((line) => line.includes('Scan'));
    expect(scans.length).toBeGreaterThan(0);
    expect(scans.filter((line) => !line.includes('pending_deliveries_dispatch_idx'))).toEqual([]);
  } finally {
    client.release(true);
  }
});

it('a plan that was made while all leases were young finds leased deliveries by the index of leases', async () => {
  const client = await ledger.db.pool.connect();
  try {
    await client.query('SET plan_cache_mode = force_generic_plan');
    await client.query(
      `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at, leased_until)
       SELECT posthorn_uuidv7(), 'a', posthorn_uuidv7(), 'message:created', md5((n % 20)::text)::uuid, 'pending', now(), now() + interval '59 seconds'
       FROM generate_series(1, 400) n`,
    );
    await client.query('ANALYZE pending_deliveries');
    await client.query(
      `PREPARE young (uuid) AS SELECT count(*) FROM (${leasedOf('$1', { limit: 50, youngerSeconds: 5 })}) d`,
    );
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (COSTS OFF) EXECUTE young ('00000000-0000-7000-8000-000000000000')`,
    );
    const scans = rows.map((row) => row['QUERY PLAN']).filter((line) => line.includes('Scan'));
    expect(scans.length).toBeGreaterThan(0);
    expect(scans.filter((line) => !line.includes('pending_deliveries_dispatch_idx'))).toEqual([]);
  } finally {
    client.release(true);
  }
});
