import { openDatabase } from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { startRetention } from './retention.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

it('runs from the start beside other processes, and stops within moments', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  const start = () =>
    startRetention({ db, retentionDays: 30, payloadRetentionDays: null, log: silent, observe: () => {} });
  const both = [start(), start()];
  await waitFor(async () => {
    const { rows } = await db.pool.query<{ partitions: string[] }>(
      `SELECT array_agg(DISTINCT inhparent::regclass::text) AS partitions FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
       WHERE c.relkind = 'r' AND c.relname ~ '_\\d{8}$'`,
    );
    return rows[0]?.partitions?.length === 3; // finished_deliveries, events and earlier_attempts
  });
  await Promise.all(both.map((one) => one.stop()));
  await db.close();
  await database.drop();
});

it('logs a fault once, continues despite it, and ends when stopped', async () => {
  const logged: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void logged.push(event) };
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  await db.pool.query('DROP TABLE earlier_attempts CASCADE');
  const running = startRetention({ db, retentionDays: 30, payloadRetentionDays: null, log, observe: () => {} });
  await waitFor(() => logged.length === 1);
  await running.stop();
  expect(logged).toEqual(['retention.failed']);
  await db.close();
  await database.drop();
});
