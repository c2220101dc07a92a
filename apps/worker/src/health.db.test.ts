import { openDatabase } from '@posthorn/core';
import type { QueueCheck } from '@posthorn/jobs';
import { type ClonedDatabase, cloneDatabase } from '@posthorn/testing';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { buildHealth, type HealthDeps } from './health.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const QUEUE_OK: QueueCheck = { status: 'ok', latencyMs: 1 };
const state = { queue: QUEUE_OK as QueueCheck, isConsuming: true, isDraining: false };
let database: ClonedDatabase;
let health: ReturnType<typeof buildHealth>;
let build: (changes?: Partial<HealthDeps>) => typeof health;
let close: () => Promise<unknown>;

beforeAll(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  build = (changes = {}) =>
    buildHealth({
      db,
      producer: { check: async () => state.queue },
      isConsuming: () => state.isConsuming,
      registry: new Registry(),
      isDraining: () => state.isDraining,
      version: 'test',
      probeMaxAgeMs: 0,
      ...changes,
    });
  health = build();
  close = () => Promise.all([health.close(), db.close()]);
});
beforeEach(() => void Object.assign(state, { queue: QUEUE_OK, isConsuming: true, isDraining: false }));
afterAll(async () => {
  await close();
  await database.drop();
});

async function ask(path: string) {
  const { statusCode, body } = await health.inject(path);
  return { status: statusCode, json: JSON.parse(body) };
}

it('checks its stores and collects its metrics at most once per second', async () => {
  const counts = { checks: 0, collections: 0 };
  const registry = new Registry();
  registry.metrics = async () => ((counts.collections += 1), '');
  const busy = build({
    producer: { check: async () => ((counts.checks += 1), { status: 'ok', latencyMs: 1 }) },
    registry,
    probeMaxAgeMs: 3_600_000,
  });
  await Promise.all(Array.from({ length: 20 }, (_, index) => busy.inject(index % 2 ? '/readyz' : '/metrics')));
  await Promise.all(['/readyz', '/metrics'].map((path) => busy.inject(path)));
  expect(counts).toEqual({ checks: 1, collections: 1 });
  Object.assign(state, { isDraining: true });
  expect((await busy.inject('/readyz')).statusCode).toBe(503);
  await busy.close();
});

describe('a worker', () => {
  it('is ready when its stores respond and every queue has a consumer', async () => {
    const { status, json } = await ask('/readyz');
    expect([status, json.status]).toEqual([200, 'ok']);
    expect(json.checks).toMatchObject({
      postgres: { status: 'ok' },
      queue: { status: 'ok' },
      consumers: { status: 'ok' },
    });
    expect((await ask('/livez')).status).toBe(200);
  });

  it('is live but not ready while enqueueing fails, and says why', async () => {
    state.queue = { status: 'fail', latencyMs: 1, reason: 'it does not respond' };
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.queue]).toEqual([503, 'fail', state.queue]);
    expect((await ask('/livez')).status).toBe(200);
  });

  it('is neither ready nor live after a consumer ended unexpectedly', async () => {
    state.isConsuming = false;
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.consumers.status]).toEqual([503, 'fail', 'fail']);
    expect((await ask('/livez')).status).toBe(503);
  });

  it('is live but not ready while it shuts down', async () => {
    Object.assign(state, { isDraining: true, isConsuming: false });
    expect((await ask('/readyz')).status).toBe(503);
    expect((await ask('/livez')).status).toBe(200);
  });
});
