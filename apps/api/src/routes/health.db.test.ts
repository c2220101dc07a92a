import { newId, openDatabase, recordWorker } from '@posthorn/core';
import type { QueueCheck } from '@posthorn/jobs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IDLE, openTestApi, type TestApi } from '../api.test-support.js';
import { buildApp } from '../app.js';
import { openSystemMetrics } from '../system-metrics.js';
import { openMetrics } from '../metrics.js';

let api: TestApi;
const QUEUE_OK: QueueCheck = { status: 'ok', latencyMs: 1 };
const state = { queue: QUEUE_OK as QueueCheck, isDraining: false, queues: IDLE as typeof IDLE | null };
beforeAll(async () => {
  const checkQueue = async () => state.queue;
  const readQueues = async () => {
    if (!state.queues) throw new Error('the queue is unavailable');
    return state.queues;
  };
  api = await openTestApi({ checkQueue, readQueues, isDraining: () => state.isDraining });
});
afterAll(() => api.close());

/** A live worker that dispatches. */
async function worker(): Promise<void> {
  const signs = { hostname: 'worker-1', version: '1.2.3', upForMs: 60_000, lastJobMsAgo: 10, lastDispatchMsAgo: 10 };
  await recordWorker(api.deps.db.pool, { id: newId(), ...signs });
  // Independent of the speed of the machine.
  await api.deps.db.pool.query(
    `UPDATE workers SET seen_at = now() + interval '1 hour', last_dispatch_at = now() + interval '1 hour'`,
  );
}

const ask = (path: string) => api.call('GET', path, { key: null });

describe('/readyz', () => {
  it('returns 200 ok without a key, with database, migrations and queue, their latencies, workers and overdue deliveries', async () => {
    await worker();
    const { status, json } = await ask('/readyz');
    const check = { status: 'ok', latencyMs: expect.any(Number) };
    expect([status, json]).toEqual([
      200,
      {
        status: 'ok',
        version: 'test',
        app: 'api',
        checks: {
          postgres: check,
          migrations: check,
          queue: check,
          workers: { status: 'ok', alive: 1 },
          deliveries: { status: 'ok' },
        },
      },
    ]);
  });

  it('returns 200 degraded, with the reason, while enqueueing fails: accepting events needs only Postgres', async () => {
    state.queue = { status: 'fail', latencyMs: 1, reason: 'Redis is out of memory' };
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.queue]).toEqual([200, 'degraded', state.queue]);
    state.queue = QUEUE_OK;
  });

  it('returns 200 degraded, with the reason, while no worker is alive', async () => {
    await api.deps.db.pool.query(`UPDATE workers SET seen_at = now() - interval '1 minute'`);
    const { status, json } = await ask('/readyz');
    expect([status, json.status]).toEqual([200, 'degraded']);
    expect(json.checks.workers).toEqual({
      status: 'fail',
      alive: 0,
      reason: 'no worker is alive, so nothing is delivered',
    });
    await worker();
    expect((await ask('/readyz')).json.status).toBe('ok');
  });

  it('returns 200 degraded when deliveries are overdue for over a minute; below that, ok with their age', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });
    await api.deps.publisher.drain();
    const late = (seconds: number) =>
      api.deps.db.pool.query(
        `UPDATE pending_deliveries SET due_at = now() - $1 * interval '1 second', leased_until = NULL`,
        [seconds],
      );
    await late(20);
    const soon = (await ask('/readyz')).json;
    expect([soon.status, soon.checks.deliveries.status]).toEqual(['ok', 'ok']);
    expect(soon.checks.deliveries.oldestSeconds).toBeGreaterThanOrEqual(20);
    await late(600);
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.deliveries]).toEqual([
      200,
      'degraded',
      { status: 'fail', oldestSeconds: expect.any(Number), reason: 'deliveries are due, but no worker attempts them' },
    ]);
    expect(json.checks.deliveries.oldestSeconds).toBeGreaterThanOrEqual(600);
    await api.work();
    expect((await ask('/readyz')).json.status).toBe('ok');
  });

  it.each([
    [61_000, 'degraded', 'fail'],
    [59_000, 'ok', 'ok'],
  ])('returns 200 when jobs have waited for %d ms: %s', async (oldestWaitingMs, expected, check) => {
    state.queues = { ...IDLE, retry: { ...IDLE.retry, waiting: 1, oldestWaitingMs } };
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.queue.status]).toEqual([200, expected, check]);
    expect(json.checks.queue.oldestSeconds).toBe(oldestWaitingMs / 1_000);
    state.queues = IDLE;
  });

  it('returns 503 while shutting down; /livez still returns 200', async () => {
    state.isDraining = true;
    const { status, json } = await ask('/readyz');
    expect([status, json.status, json.checks.shutdown.status]).toEqual([503, 'fail', 'fail']);
    expect((await ask('/livez')).status).toBe(200);
    state.isDraining = false;
  });

  it('returns 503 while a migration is pending', async () => {
    const { pool } = api.deps.db;
    await pool.query(`UPDATE _prisma_migrations SET migration_name = 'x' || migration_name`);
    const { status, json } = await ask('/readyz');
    expect([status, json.checks.migrations.status, json.checks.postgres.status]).toEqual([503, 'fail', 'ok']);
    await pool.query(`UPDATE _prisma_migrations SET migration_name = substr(migration_name, 2)`);
    expect((await ask('/readyz')).status).toBe(200);
  });
});

describe('while the database is unavailable', () => {
  it('returns 503 with Retry-After for requests and for /readyz, 200 for /livez, and no address of the database', async () => {
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
    expect(ready.json.checks.workers).toEqual({ status: 'fail', reason: 'could not be checked' });
    const queues = await away.call('GET', '/v1/queues');
    expect([queues.status, queues.json.code]).toEqual([503, 'unavailable']);
    expect(metricsOf((await away.call('GET', '/metrics')).text)).not.toHaveProperty('posthorn_workers_alive');
    expect(ready.text).not.toContain('127.0.0.1');
    const papercups = await away.call('GET', '/api/event_subscriptions', { key: 'phk_x' });
    expect([papercups.status, papercups.json]).toEqual([503, { errors: { detail: 'Service Unavailable' } }]);
    expect((await away.call('GET', '/livez')).status).toBe(200);
    expect(away.logged.join('')).not.toContain('hunter2');
    await db.close();
    await away.close();
  });
});

describe('/metrics and /v1/queues', () => {
  it('report deliveries, subscriptions, queues and workers', async () => {
    await api.deps.db.pool.query('TRUNCATE workers');
    await worker();
    await worker();
    const account = await api.account();
    const held = await api.activeSubscription(account);
    await api.activeSubscription(account);
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${held}/pause`);
    await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });
    await api.deps.publisher.drain();
    await api.deps.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now() - interval '5 minutes', leased_until = now() WHERE status = 'pending'`,
    );
    await api.deps.db.pool.query(
      `UPDATE subscriptions SET circuit_open_until = now() + interval '1 hour' WHERE status = 'active'`,
    );
    const busy = { waiting: 3, prioritized: 2, active: 1, delayed: 40, failed: 5, oldestWaitingMs: 1_500 };
    state.queues = { ...IDLE, deliver: busy };

    const { json } = await api.call('GET', '/v1/queues');
    expect(json).toMatchObject({
      deliveries: { overdue: 0, oldestOverdueSeconds: null, deferred: 1, scheduled: 0, held: 1, expanding: 0 },
      subscriptions: { paused: 1, unverified: 0, disabled: 0 },
      circuits: { open: json.subscriptions.active, halfOpen: 0 },
      workersAlive: 2,
      workers: [{ hostname: 'worker-1', version: '1.2.3', isAlive: true }, {}],
      queues: [
        { name: 'deliver', waiting: 3, prioritized: 2, active: 1, delayed: 40, failed: 5, oldestWaitingSeconds: 1.5 },
        { name: 'retry', waiting: 0, oldestWaitingSeconds: null },
        { name: 'verify' },
      ],
    });
    const metrics = metricsOf((await ask('/metrics')).text);
    expect(metrics).toMatchObject({
      posthorn_deliveries_overdue: 0,
      posthorn_deliveries_oldest_overdue_seconds: 0,
      posthorn_deliveries_deferred: 1,
      posthorn_deliveries_scheduled: 0,
      posthorn_deliveries_held: 1,
      'posthorn_subscriptions{status="paused"}': 1,
      'posthorn_subscriptions{status="active"}': json.subscriptions.active,
      'posthorn_circuits{state="open"}': json.circuits.open,
      'posthorn_circuits{state="half_open"}': 0,
      posthorn_workers_alive: 2,
      posthorn_partitions_ahead_seconds: expect.any(Number),
      'posthorn_queue_jobs{queue="deliver",state="waiting"}': 3,
      'posthorn_queue_jobs{queue="deliver",state="delayed"}': 40,
      'posthorn_queue_jobs{queue="verify",state="active"}': 0,
      'posthorn_queue_oldest_waiting_seconds{queue="deliver"}': 1.5,
      'posthorn_queue_oldest_waiting_seconds{queue="retry"}': 0,
    });
    const inSeconds = (metrics['posthorn_dispatcher_last_success_timestamp_seconds'] ?? 0) - Date.now() / 1_000;
    expect(Math.round(inSeconds / 3_600)).toBe(1); // as in the fixture

    await api.deps.db.pool.query(`UPDATE subscriptions SET circuit_open_until = NULL`);
    await api.deps.db.pool.query(`UPDATE pending_deliveries SET leased_until = NULL WHERE status = 'pending'`);
    const late = metricsOf((await ask('/metrics')).text);
    expect(late).toMatchObject({ posthorn_deliveries_overdue: 1, posthorn_deliveries_deferred: 1 });
    expect(late['posthorn_deliveries_oldest_overdue_seconds']).toBeGreaterThanOrEqual(300);
    state.queues = IDLE;
  });

  it('omit the numbers of an unavailable queue, and still report the ledger', async () => {
    state.queues = null;
    expect((await api.call('GET', '/v1/queues')).json).toMatchObject({ queues: null, workersAlive: 2, boardUrl: null });
    const metrics = metricsOf((await ask('/metrics')).text);
    expect(Object.keys(metrics).filter((name) => name.startsWith('posthorn_queue'))).toEqual([]);
    expect(metrics).toMatchObject({ posthorn_workers_alive: 2 });
    state.queues = IDLE;
  });

  it('are read once for concurrent requests, and again later', async () => {
    let reads = 0;
    const { db, reader, log } = api.deps;
    const options = { db, reader, log, readQueues: async () => ((reads += 1), IDLE) };
    const lasting = openSystemMetrics({ ...options, maxAgeMs: 60_000 });
    const all = await Promise.all(Array.from({ length: 20 }, () => lasting()));
    expect([new Set(all).size, reads]).toEqual([1, 1]);
    expect(await lasting()).toBe(all[0]);
    const fleeting = openSystemMetrics({ ...options, maxAgeMs: 0 });
    expect(await fleeting()).not.toBe(await fleeting());
    expect(reads).toBe(3);
  });
});

describe('without a key', () => {
  it('/readyz and /metrics run their checks once per second for any number of requests; a shutdown shows immediately', async () => {
    const counts = { statements: 0, checks: 0, collections: 0 };
    const query = api.deps.db.pool.query.bind(api.deps.db.pool);
    const pool = new Proxy(api.deps.db.pool, {
      get(target, name) {
        if (name === 'query') counts.statements += 1;
        return name === 'query' ? query : Reflect.get(target, name, target);
      },
    });
    const metrics = openMetrics({ version: 'test' });
    const collect = metrics.registry.metrics.bind(metrics.registry);
    metrics.registry.metrics = () => ((counts.collections += 1), collect());
    let isDraining = false;
    const busy = await buildApp({
      ...api.deps,
      db: { ...api.deps.db, pool },
      checkQueue: async () => ((counts.checks += 1), { status: 'ok' as const, latencyMs: 1 }),
      systemMetrics: api.deps.systemMetrics,
      metrics,
      isDraining: () => isDraining,
      probeMaxAgeMs: 3_600_000,
    });
    await busy.inject('/readyz');
    const once = { ...counts };
    expect(once.statements).toBeGreaterThan(0);
    const paths = Array.from({ length: 50 }, (_, index) => (index % 2 ? '/readyz' : '/metrics'));
    await Promise.all(paths.map((path) => busy.inject(path)));
    await busy.inject('/metrics');
    expect(counts).toEqual({ statements: once.statements, checks: 1, collections: 1 });
    isDraining = true;
    expect((await busy.inject('/readyz')).statusCode).toBe(503);
    expect(counts.statements).toBe(once.statements);
    await busy.close();
  });
});

/** The values by name and labels. */
const metricsOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(/^(posthorn_\S+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)] as const),
  );

it('/metrics reports the version, without a key', async () => {
  const { status, text } = await ask('/metrics');
  expect(status).toBe(200);
  expect(text).toMatch(/posthorn_build_info\{version="test",node="v\d+[^"]*",app="api"\} 1/);
});
