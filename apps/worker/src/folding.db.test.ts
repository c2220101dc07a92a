import { openDatabase, readStats } from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { startFolding } from './folding.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

it('rolls up what there is, beside others that do the same, each once; and ends within moments', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  const at = new Date('2026-03-04T10:00:00Z');
  await db.pool.query(
    `INSERT INTO stat_deltas (account_id, event_type, at, count) SELECT 'a', 'message:created', $1, 1 FROM generate_series(1, 12000)`,
    [at],
  );
  let folded = 0;
  const observe = (count: number) => void (folded += count);
  const both = [startFolding({ db, log: silent, observe }), startFolding({ db, log: silent, observe })];
  await waitFor(async () => (await db.pool.query('SELECT FROM stat_deltas')).rowCount === 0);
  await Promise.all(both.map((one) => one.stop()));
  expect(folded).toBe(12_000);
  const to = new Date(at.getTime() + 60_000);
  const wanted = { accountId: 'a', subscriptionId: null, eventType: null, from: at, to, bucketMs: 60_000 };
  expect((await readStats(db.pool, wanted)).current.totals.accepted).toBe(12_000);
  await db.close();
  await database.drop();
});

it('tells of a fault once, goes on through it, and ends when it is told to', async () => {
  const told: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void told.push(event) };
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  await db.pool.query('DROP TABLE stats');
  const running = startFolding({ db, log, observe: () => {} });
  await waitFor(() => told.length === 1);
  await running.stop();
  expect(told).toEqual(['stats.failed']);
  await db.close();
  await database.drop();
});
