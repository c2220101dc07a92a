import { cloneDatabase } from '@posthorn/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { inspectDatabase } from './inspect-database.js';

let database: Awaited<ReturnType<typeof cloneDatabase>>;
beforeAll(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
});
afterAll(() => database.drop());

it('reports the version, the connections and the difference of the clocks', async () => {
  const report = await inspectDatabase(database.url);
  expect(report.version).toMatch(/^\d+\.\d+/);
  expect(report).toMatchObject({ majorVersion: Number.parseInt(report.version, 10), isReplica: false });
  expect(report.usedConnections).toBeGreaterThan(0);
  expect(report.maxConnections).toBeGreaterThan(report.usedConnections);
  const behind = await inspectDatabase(database.url, () => Date.now() - 3_600_000);
  expect(Math.round(behind.aheadMs / 60_000)).toBe(60);
});

it('throws if the database does not respond', async () => {
  await expect(inspectDatabase('postgres://nobody@127.0.0.1:1/none')).rejects.toThrow('ECONNREFUSED');
});
