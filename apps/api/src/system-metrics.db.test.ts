import { openDatabase, openReader } from '@posthorn/core';
import { cloneDatabase } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { openSystemMetrics } from './system-metrics.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const noQueues = () => Promise.reject(new Error('this test has no queue'));

it('reads the ledger once in five seconds, and counts the subscriptions less often the more there are', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  let nowMs = 0;
  const reader = openReader({ primary: db, replica: null, log: silent });
  const read = openSystemMetrics({
    db,
    reader,
    readQueues: noQueues,
    maxAgeMs: 5_000,
    log: silent,
    now: () => nowMs,
  });
  const seen = async (atMs: number) => {
    nowMs = atMs;
    const { ledger } = await read();
    return { subscriptions: ledger?.subscriptions.active, statDeltas: ledger?.statDeltas };
  };
  expect(await seen(0)).toEqual({ subscriptions: 0, statDeltas: 0 });
  await db.pool.query(`INSERT INTO accounts (id) VALUES ('acme')`);
  const subscribe = (count: number) =>
    db.pool.query(
      `INSERT INTO subscriptions (id, account_id, url, status)
       SELECT posthorn_uuidv7(), 'acme', 'https://hooks.example.com/', 'active' FROM generate_series(1, $1::int)`,
      [count],
    );
  await subscribe(1);
  await db.pool.query(
    `INSERT INTO stat_deltas (account_id, event_type, at, count) VALUES ('acme', 'message:created', now(), 1)`,
  );
  expect(await seen(4_999)).toEqual({ subscriptions: 0, statDeltas: 0 });
  expect(await seen(5_000)).toEqual({ subscriptions: 1, statDeltas: 1 });
  await subscribe(20_000);
  expect(await seen(10_000)).toEqual({ subscriptions: 20_001, statDeltas: 1 });
  await subscribe(1);
  expect(await seen(20_000)).toEqual({ subscriptions: 20_001, statDeltas: 1 });
  expect(await seen(25_000)).toEqual({ subscriptions: 20_002, statDeltas: 1 });
  await db.close();
  await database.drop();
});
