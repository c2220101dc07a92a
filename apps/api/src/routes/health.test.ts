import { openDatabase } from '@posthorn/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
const state = { queue: 'ok' as 'ok' | 'fail', isDraining: false };
beforeAll(async () => {
  const checkQueue = async () => ({ status: state.queue, latencyMs: 1 });
  api = await openTestApi({ checkQueue, isDraining: () => state.isDraining });
});
afterAll(() => api.close());

const ask = (path: string) => api.call('GET', path, { key: null });

describe('/readyz', () => {
  it('200 ok without a key: database, migrations and queue, each with its latency', async () => {
    const { status, json } = await ask('/readyz');
    const check = { status: 'ok', latencyMs: expect.any(Number) };
    expect([status, json]).toEqual([
      200,
      { status: 'ok', version: 'test', app: 'api', checks: { postgres: check, migrations: check, queue: check } },
    ]);
  });

  it('200 degraded while the queue is away: accepting needs only Postgres', async () => {
    state.queue = 'fail';
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.queue.status]).toEqual([200, 'degraded', 'fail']);
    state.queue = 'ok';
  });

  it('503 while shutting down; /livez stays 200', async () => {
    state.isDraining = true;
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.shutdown.status]).toEqual([503, 'fail', 'fail']);
    expect((await ask('/livez')).status).toBe(200);
    state.isDraining = false;
  });

  it('503 while a migration is pending', async () => {
    const { pool } = api.deps.db;
    await pool.query(`UPDATE _prisma_migrations SET migration_name = 'x' || migration_name`);
    const { status, json } = await ask('/readyz');
    expect([status, json.checks.migrations.status, json.checks.postgres.status]).toEqual([503, 'fail', 'ok']);
    await pool.query(`UPDATE _prisma_migrations SET migration_name = substr(migration_name, 2)`);
    expect((await ask('/readyz')).status).toBe(200);
  });
});

describe('while the database is away', () => {
  it('503 with Retry-After for requests and for /readyz, 200 for /livez, and no word of where it is', async () => {
    const db = openDatabase({
      url: 'postgres://someone:hunter2@127.0.0.1:1/secretname',
      applicationName: 'test',
      maxConnections: 2,
      log: api.deps.log,
    });
    const away = await openTestApi({ db });
    for (const [method, path, body] of [
      ['GET', '/v1/accounts', undefined],
      ['GET', '/v1/accounts/acme/events', undefined],
      ['PUT', '/v1/accounts/acme', {}],
    ] as const) {
      const { status, json, headers, text } = await away.call(method, path, body && { body });
      expect([path, status, json.code, Number(headers['retry-after']) > 0]).toEqual([path, 503, 'unavailable', true]);
      expect(text).not.toMatch(/127\.0\.0\.1|secretname|hunter2|prisma/i);
    }
    const ready = await away.call('GET', '/readyz');
    expect([ready.status, ready.json.checks.postgres.status]).toEqual([503, 'fail']);
    expect(ready.text).not.toContain('127.0.0.1');
    const papercups = await away.call('GET', '/api/event_subscriptions', { key: 'phk_x' });
    expect([papercups.status, papercups.json]).toEqual([503, { errors: { detail: 'Service Unavailable' } }]);
    expect((await away.call('GET', '/livez')).status).toBe(200);
    expect(away.logged.join('')).not.toContain('hunter2');
    await db.close();
    await away.close();
  });
});

it('/metrics tells what runs, without a key', async () => {
  const { status, text } = await ask('/metrics');
  expect(status).toBe(200);
  expect(text).toMatch(/posthorn_build_info\{version="test",node="v\d+[^"]*",app="api"\} 1/);
});
