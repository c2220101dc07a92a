import { type PlanNode, rowsRead } from '@posthorn/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { findInPayloads } from './find-in-payloads.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

it('a connection that planned the search while the account was empty reads only the given events', async () => {
  const accountId = await ledger.account();
  const one = openSingleConnection(ledger.db);
  try {
    await one.query('SET plan_cache_mode = force_generic_plan');
    await findInPayloads(one, { accountId, eventIds: [], text: 'needle' });
    const { rows: events } = await one.query<{ id: string }>(
      `INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
       SELECT posthorn_uuidv7(), $1, 'message:created', convert_to('{"n":"needle ' || n || '"}', 'UTF8'), 0, now() FROM generate_series(1, 3000) n
       RETURNING id`,
      [accountId],
    );
    const some = events.slice(0, 20).map(({ id }) => id);
    expect(await findInPayloads(one, { accountId, eventIds: some, text: 'needle 7' })).toEqual({
      found: new Set([some[6]]),
      searched: 20,
    });
    const { rows } = await one.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, TIMING off, FORMAT json) EXECUTE "find-in-payloads" ('${accountId}', '{${some.join()}}', '{needle}')`,
    );
    const plan = rows[0]?.['QUERY PLAN'][0].Plan;
    expect(plan && rowsRead(plan)).toBeLessThanOrEqual(2 * some.length);
  } finally {
    await one.end();
  }
});
