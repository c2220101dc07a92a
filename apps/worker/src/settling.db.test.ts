import { openDatabase } from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { startSettling } from './settling.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

it('holds each delivery of a paused subscription once, beside another worker', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  await db.pool.query(`INSERT INTO accounts (id) VALUES ('a')`);
  await db.pool.query(
    `INSERT INTO subscriptions (id, account_id, url, events, status) VALUES (posthorn_uuidv7(), 'a', 'https://hooks.example.com/', '{}', 'paused')`,
  );
  await db.pool.query(
    `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at)
     SELECT posthorn_uuidv7(), 'a', posthorn_uuidv7(), 'message:created', s.id, 'pending', now() FROM subscriptions s, generate_series(1, 2500)`,
  );
  await db.pool.query('INSERT INTO settlements (subscription_id) SELECT id FROM subscriptions');
  let held = 0;
  const observe = ({ count }: { count: number }) => void (held += count);
  const both = [startSettling({ db, log: silent, observe }), startSettling({ db, log: silent, observe })];
  await waitFor(
    async () => (await db.pool.query(`SELECT FROM pending_deliveries WHERE status = 'pending' LIMIT 1`)).rowCount === 0,
  );
  await Promise.all(both.map((one) => one.stop()));
  expect(held).toBe(2_500);
  await db.close();
  await database.drop();
});

it('logs a fault once, continues despite it, and ends when stopped', async () => {
  const logged: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void logged.push(event) };
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  await db.pool.query('DROP TABLE settlements');
  const running = startSettling({ db, log, observe: () => {} });
  await waitFor(() => logged.length === 1);
  await running.stop();
  expect(logged).toEqual(['settling.failed']);
  await db.close();
  await database.drop();
});
