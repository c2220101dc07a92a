import { type Database, openDatabase, readLedgerMetrics } from '@posthorn/core';
import { type ClonedDatabase, cloneDatabase, waitFor } from '@posthorn/testing';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { startHeartbeat } from './heartbeat.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
let database: ClonedDatabase;
let db: Database;
beforeEach(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
  db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 3, log: silent });
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

const signs = () => ({ lastJobAt: null, lastDispatchAt: performance.now() });
const workers = async () => (await readLedgerMetrics(db.pool)).workers;

it('lists a worker from its start, and no longer after it has left', async () => {
  const heartbeat = startHeartbeat({ db, version: '1.2.3', everyMs: 20, isConsuming: () => true, signs, log: silent });
  const [first] = await waitFor(async () => (await workers()).length === 1 && workers());
  expect(first).toMatchObject({ version: '1.2.3', isAlive: true, lastJobAt: null });
  await waitFor(async () => ((await workers())[0]?.seenAt ?? 0) > (first?.seenAt ?? 0));
  expect((await workers())[0]?.startedAt).toEqual(first?.startedAt);
  await heartbeat.stop();
  expect(await workers()).toEqual([]);
});

it('does not list a worker that accepts no jobs', async () => {
  let isConsuming = false;
  let asked = 0;
  const heartbeat = startHeartbeat({
    db,
    version: '1.2.3',
    everyMs: 20,
    isConsuming: () => {
      asked += 1;
      return isConsuming;
    },
    signs,
    log: silent,
  });
  await waitFor(() => asked > 3);
  expect(await workers()).toEqual([]);
  isConsuming = true;
  await waitFor(async () => (await workers()).length === 1);
  await heartbeat.stop();
});

it('continues despite faults, and logs each once', async () => {
  const logged: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void logged.push(event) };
  await db.pool.query('ALTER TABLE workers RENAME TO elsewhere');
  let beats = 0;
  const count = () => {
    beats += 1;
    return signs();
  };
  const heartbeat = startHeartbeat({ db, version: '1.2.3', everyMs: 20, isConsuming: () => true, signs: count, log });
  await waitFor(() => beats > 3);
  await db.pool.query('ALTER TABLE elsewhere RENAME TO workers');
  await waitFor(async () => (await workers()).length === 1);
  expect(logged).toEqual(['heartbeat.failed']);
  await heartbeat.stop();
});
