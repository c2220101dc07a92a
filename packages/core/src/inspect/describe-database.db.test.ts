import { cloneDatabase } from '@posthorn/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { describeDatabase } from './describe-database.js';

let database: Awaited<ReturnType<typeof cloneDatabase>>;
beforeAll(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
});
afterAll(() => database.drop());

it('describes sizes, indexes, partitions and connections, and only counts those of others', async () => {
  const found = await describeDatabase(database.url);
  expect(found.version).toMatch(/^\d+\.\d+/);
  expect(found.databaseBytes).toBeGreaterThan(1_000_000);
  expect(found.settings).toMatchObject({ max_connections: expect.any(String), synchronous_commit: expect.any(String) });
  const events = found.tables.find(({ name }) => name === 'events');
  expect(events).toMatchObject({ partitions: expect.any(Number), tableBytes: expect.any(Number) });
  expect(events?.['partitions']).toBeGreaterThan(1);
  expect(found.tables.map(({ name }) => name)).toContain('pending_deliveries');
  expect(found.indexes.filter(({ isValid }) => isValid === false)).toEqual([]);
  expect(new Set(found.partitions.map(({ table }) => table))).toEqual(
    new Set(['events', 'finished_deliveries', 'earlier_attempts', 'stat_deltas']),
  );
  expect(found.connections).toEqual([
    expect.objectContaining({ application: 'posthorn doctor', state: 'active', count: 1 }),
  ]);
});

it('throws if the database does not respond', async () => {
  await expect(describeDatabase('postgres://nobody@127.0.0.1:1/none')).rejects.toThrow('ECONNREFUSED');
});
