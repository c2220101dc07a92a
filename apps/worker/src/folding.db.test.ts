import { foldStats, openDatabase, readStats } from '@posthorn/core';
import { cloneDatabase, isWaitingForLock, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { startFolding } from './folding.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

it('folds each row once beside other processes, and stops within moments', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  const at = new Date('2026-03-04T10:00:00Z');
  await db.pool.query(
    `INSERT INTO stat_deltas (account_id, event_type, at, count)
     SELECT account, 'message:created', $1, 1 FROM unnest('{a,b,c}'::text[]) AS account, generate_series(1, 12000)`,
    [at],
  );
  let folded = 0;
  const observe = (count: number) => void (folded += count);
  const both = [startFolding({ db, log: silent, observe }), startFolding({ db, log: silent, observe })];
  await waitFor(async () => (await db.pool.query('SELECT FROM stat_deltas')).rowCount === 0);
  await Promise.all(both.map((one) => one.stop()));
  expect(folded).toBe(36_000);
  const to = new Date(at.getTime() + 60_000);
  const wanted = { accountId: 'a', subscriptionId: null, eventType: null, from: at, to, bucketMs: 60_000 };
  expect((await readStats(db.pool, wanted)).current.totals.accepted).toBe(12_000);
  await db.close();
  await database.drop();
});

it('folds the other accounts while another process folds the shard of a busy one', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  await db.pool.query(
    `INSERT INTO stat_deltas (account_id, event_type, at, count)
     SELECT account, 'message:created', now(), 1 FROM unnest('{busy,a,b,c,d,e,f}'::text[]) AS account, generate_series(1, 100)`,
  );
  const left = async () =>
    (await db.pool.query<{ id: string }>('SELECT DISTINCT account_id AS id FROM stat_deltas')).rows.map(({ id }) => id);
  const sameShard = await db.pool.query<{ id: string }>(
    `SELECT DISTINCT account_id AS id FROM stat_deltas WHERE posthorn_shard(account_id) = posthorn_shard('busy')`,
  );
  const stays = sameShard.rows.map(({ id }) => id).toSorted();
  expect(stays.length).toBeLessThan(7);

  // The other process waits in the middle of a fold for a row of the busy account.
  const holder = await db.pool.connect();
  await holder.query('BEGIN');
  await holder.query(
    `INSERT INTO stats (width, account_id, subscription_id, at, event_type, status_code)
     SELECT DISTINCT 'minute'::stat_width, 'busy', '00000000-0000-0000-0000-000000000000'::uuid, date_bin('1 minute', at, 'epoch'), event_type, 0
     FROM stat_deltas WHERE account_id = 'busy'`,
  );
  const { rows } = await db.pool.query<{ shard: number }>(`SELECT posthorn_shard('busy') AS shard`);
  const waiting = foldStats(db.pool, { shard: rows[0]?.shard ?? 0, atOnce: 1_000 });
  await waitFor(() => isWaitingForLock(db.pool));
  const running = startFolding({ db, log: silent, observe: () => {} });
  await waitFor(async () => (await left()).toSorted().join() === stays.join());
  await holder.query('ROLLBACK');
  holder.release();
  expect(await waiting).toBe(100 * stays.length);
  await running.stop();
  expect(await left()).toEqual([]);
  await db.close();
  await database.drop();
});

it('logs a fault once, continues despite it, and ends when stopped', async () => {
  const reported: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void reported.push(event) };
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  await db.pool.query(
    `INSERT INTO stat_deltas (account_id, event_type, at, count) VALUES ('a', 'message:created', now(), 1)`,
  );
  await db.pool.query('DROP TABLE stats');
  const running = startFolding({ db, log, observe: () => {} });
  await waitFor(() => reported.length === 1);
  await running.stop();
  expect(reported).toEqual(['stats.failed']);
  await db.close();
  await database.drop();
});
