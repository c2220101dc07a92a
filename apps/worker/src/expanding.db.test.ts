import { randomUUID } from 'node:crypto';
import { type Database, newId, openDatabase } from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { startExpanding } from './expanding.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const enqueue = () => Promise.resolve(true);

let database: Awaited<ReturnType<typeof cloneDatabase>>;
let db: Database;
beforeEach(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
  db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 5, log: silent });
  await db.prisma.account.create({ data: { id: 'a' } });
  for (let n = 0; n < 3; n += 1) {
    const url = 'https://hooks.example.com/webhook';
    await db.prisma.subscription.create({
      data: { id: randomUUID(), accountId: 'a', url, events: [], status: 'active' },
    });
  }
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

async function addFanOut(): Promise<void> {
  const eventId = newId();
  await db.prisma.fanOut.create({
    data: {
      eventId,
      accountId: 'a',
      eventType: 'message:created',
      expected: 3,
      createdAt: new Date(Date.now() + 1_000),
    },
  });
}

it('expands fan-outs beside other processes, continues when woken, and stops within moments', async () => {
  let count = 0;
  const options = { db, enqueue, log: silent, observe: (chunk: { count: number }) => void (count += chunk.count) };
  const both = [startExpanding(options), startExpanding(options)];
  for (const expected of [3, 6]) {
    await addFanOut();
    for (const one of both) one.wake();
    await waitFor(() => count === expected);
  }
  await Promise.all(both.map((one) => one.stop()));
  expect(await db.prisma.pendingDelivery.count()).toBe(6);
});

it('logs a fault once, continues despite it, and ends when stopped', async () => {
  const reported: string[] = [];
  const log = { ...silent, error: (_: object, event: string) => void reported.push(event) };
  await db.pool.query('ALTER TABLE fan_outs RENAME TO away');
  const running = startExpanding({ db, enqueue, log, observe: () => {} });
  await waitFor(() => reported.length === 1);
  await running.stop();
  expect(reported).toEqual(['fan_outs.failed']);
});
