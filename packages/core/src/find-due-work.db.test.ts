import { type PlanNode, rowsRead } from '@posthorn/testing';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DueWork, findDueWork } from './find-due-work.js';
import { type Ledger, openLedger, openSingleConnection } from './ledger.test-support.js';

const COUNT = 2_000;
const SUBSCRIPTIONS = `subscriptions WHERE account_id = 'acme'`;
const REPLAYS =
  'replays (id, account_id, which, since, until, matched, has_more, status, tally_at, ended_at, settled_at)';

/** Makes rows that are not due. */
const NOT_DUE = [
  `INSERT INTO verifications (id, account_id, url, leased_until)
   SELECT posthorn_uuidv7(), 'acme', 'https://hooks.example.com/', now() + interval '1 hour' FROM generate_series(1, ${COUNT})`,
  `INSERT INTO fan_outs (event_id, account_id, event_type, expected, created_at, completed_at)
   SELECT posthorn_uuidv7(), 'acme', 'message:created', 1, now(), now() FROM generate_series(1, ${COUNT})`,
  `INSERT INTO settlements (subscription_id, due_at) SELECT id, now() + interval '1 hour' FROM ${SUBSCRIPTIONS}`,
  `INSERT INTO catch_ups (subscription_id, due_at) SELECT id, now() + interval '1 hour' FROM ${SUBSCRIPTIONS}`,
  `INSERT INTO ${REPLAYS}
   SELECT posthorn_uuidv7(), 'acme', 'failed', now(), now(), 0, false, 'completed', now(), now(), now() FROM generate_series(1, ${COUNT})`,
  `INSERT INTO ${REPLAYS}
   SELECT posthorn_uuidv7(), 'acme', 'failed', now(), now(), 0, false, 'delivering', now() + interval '1 hour', NULL, NULL
   FROM generate_series(1, ${COUNT})`,
];

/** Makes one row due. */
const MAKE_DUE: Record<DueWork, string> = {
  verifications: 'UPDATE verifications SET leased_until = now() WHERE id = (SELECT id FROM verifications LIMIT 1)',
  fanOuts: 'UPDATE fan_outs SET completed_at = NULL WHERE event_id = (SELECT event_id FROM fan_outs LIMIT 1)',
  settlements:
    'UPDATE settlements SET due_at = now() WHERE subscription_id = (SELECT subscription_id FROM settlements LIMIT 1)',
  catchUps:
    'UPDATE catch_ups SET due_at = now() WHERE subscription_id = (SELECT subscription_id FROM catch_ups LIMIT 1)',
  replays: `UPDATE replays SET status = 'running' WHERE id = (SELECT id FROM replays WHERE status = 'delivering' LIMIT 1)`,
  replayCounts: `UPDATE replays SET tally_at = now() WHERE id = (SELECT id FROM replays WHERE status = 'delivering' LIMIT 1)`,
  operationalEvents: `INSERT INTO operational_events (id, type, account_id, subscription_id)
    SELECT posthorn_uuidv7(), 'subscription:disabled', 'acme', id FROM ${SUBSCRIPTIONS} LIMIT 1`,
};

let ledger: Ledger;
let one: pg.Pool;
beforeAll(async () => {
  ledger = await openLedger();
  await ledger.account('acme');
  one = openSingleConnection(ledger.db);
  await findDueWork(one); // makes the plan, while the tables are empty
  await one.query(
    `INSERT INTO subscriptions (id, account_id, url, events, status)
     SELECT posthorn_uuidv7(), 'acme', 'https://hooks.example.com/', '{}', 'active' FROM generate_series(1, ${COUNT})`,
  );
  for (const insert of NOT_DUE) await one.query(insert);
});
afterAll(async () => {
  await one?.end();
  await ledger?.close();
});

it('finds nothing while nothing is due, and reads at most one row of each kind', async () => {
  expect(await findDueWork(one)).toEqual([]);
  const { rows } = await one.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE "find-due-work"',
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (!plan) throw new Error('EXPLAIN returned no plan');
  expect(rowsRead(plan)).toBeLessThanOrEqual(Object.keys(MAKE_DUE).length);
  expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(40);
});

it.for(Object.keys(MAKE_DUE) as DueWork[])('finds due work: %s', async (kind) => {
  expect(await findDueWork(one)).not.toContain(kind);
  await one.query(MAKE_DUE[kind]);
  expect(await findDueWork(one)).toContain(kind);
});
