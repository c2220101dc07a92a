import { openDatabase } from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { startRetention } from './retention.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

it('works from the start on, beside others that do the same, and ends within moments', async () => {
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
    return rows[0]?.partitions?.length === 2;
  });
  await Promise.all(both.map((one) => one.stop()));
  await db.close();
  await database.drop();
});

it('goes on through faults, each told once, and ends when it is told to', async () => {
  const told: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void told.push(event) };
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  await db.pool.query('DROP TABLE earlier_attempts CASCADE');
  const running = startRetention({ db, retentionDays: 30, payloadRetentionDays: null, log, observe: () => {} });
  await waitFor(() => told.length === 1);
  await running.stop();
  expect(told).toEqual(['retention.failed']);
  await db.close();
  await database.drop();
});
