import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrateUp } from '@posthorn/core';
import { type EmbeddedPostgres, type EmbeddedRedis, findFreePort, startPostgres, startRedis } from '@posthorn/embedded';
import { migrateQueues } from '@posthorn/jobs';
import { type Proxy, endProcess, openProxy, startProcess } from '@posthorn/testing';
import pg from 'pg';

export type Backend = 'redis' | 'postgres';

/** Everything that can break, and the handles to break it with. */
export interface Rig {
  backend: Backend;
  api: ChildProcess;
  workers: ChildProcess[];
  startApi(): Promise<void>;
  startWorker(env?: Record<string, string>): Promise<void>;
  postgres: EmbeddedPostgres;
  redis: EmbeddedRedis | null;
  startPostgres(): Promise<void>;
  startRedis(): Promise<void>;
  /** Between the workers and Postgres, and between the workers and Redis. */
  toPostgres: Proxy;
  toRedis: Proxy | null;
  /** Where events are published, and with which key. */
  publishUrl: string;
  operatorKey: string;
  /** How many requests the receiver has open, or answered a moment ago. */
  inFlight(): Promise<number>;
  seen(): Promise<{ id: string; at: number }[]>;
  seenCount(): Promise<number>;
  /** How many deliveries to the healthy subscription are in each status. */
  statuses(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const app = (entry: string) => fileURLToPath(new URL(`../../apps/${entry}`, import.meta.url));

export async function openRig(backend: Backend): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-faults-'));
  const postgresPort = await findFreePort();
  const redisPort = await findFreePort();
  const openPostgres = () => startPostgres({ directory: join(folder, 'postgres'), port: postgresPort, log: () => {} });
  const openRedis = () => startRedis({ directory: join(folder, 'redis'), port: redisPort, log: () => {} });
  const postgres = await openPostgres();
  const redis = backend === 'redis' ? await openRedis() : null;
  if (backend === 'redis' && !redis) throw new Error('There is no redis-server on the PATH; try --backend postgres.');
  await migrateUp({ url: postgres.url, log: silent });
  await migrateQueues({ backend, url: postgres.url });
  const toPostgres = await openProxy({ host: '127.0.0.1', port: postgresPort });
  const toRedis = redis && (await openProxy({ host: '127.0.0.1', port: redisPort }));

  const receiver = fork(fileURLToPath(new URL('./receiver.js', import.meta.url)));
  const [{ port: receiverPort }] = (await once(receiver, 'message')) as [{ port: number }];
  const ask = async (question: 'look' | 'ledger') => {
    receiver.send(question);
    const [answer] = (await once(receiver, 'message')) as [
      { inFlight: number; count: number; seen: { id: string; at: number }[] },
    ];
    return answer;
  };

  const apiPort = await findFreePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const operatorKey = randomBytes(24).toString('base64url');
  const through = (url: string, proxy: Proxy) => {
    const rerouted = new URL(url);
    rerouted.port = String(proxy.port);
    return rerouted.href;
  };
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: postgres.url,
    QUEUE_BACKEND: backend,
    ...(redis && { REDIS_URL: redis.url }),
    POSTHORN_OPERATOR_KEY: operatorKey,
    POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8',
    REQUIRE_HTTPS: 'false',
    RETRY_SCHEDULE_SECONDS: '2,5,10,20',
    API_HOST: '127.0.0.1',
    API_PORT: String(apiPort),
    WORKER_HEALTH_HOST: '127.0.0.1',
    SHUTDOWN_DELAY_MS: '0',
    LOG_LEVEL: 'warn',
  };
  const workerEnv = {
    ...env,
    DATABASE_URL: through(postgres.url, toPostgres),
    ...(redis && toRedis && { REDIS_URL: through(redis.url, toRedis) }),
  };
  const startApi = () => startProcess({ file: app('api/dist/server.js'), env, readyUrl: `${apiUrl}/readyz` });
  const startWorker = async (extra: Record<string, string> = {}) => {
    const port = String(await findFreePort());
    return startProcess({
      file: app('worker/dist/main.js'),
      env: { ...workerEnv, WORKER_HEALTH_PORT: port, ...extra },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
    });
  };

  const rig: Rig = {
    backend,
    api: await startApi(),
    workers: await Promise.all([startWorker(), startWorker()]),
    startApi: async () => void (rig.api = await startApi()),
    startWorker: async (extra) => void rig.workers.push(await startWorker(extra)),
    postgres,
    redis,
    startPostgres: async () => void (rig.postgres = await openPostgres()),
    startRedis: async () => void (rig.redis = await openRedis()),
    toPostgres,
    toRedis,
    publishUrl: `${apiUrl}/v1/accounts/faults/events`,
    operatorKey,
    inFlight: async () => (await ask('look')).inFlight,
    seen: async () => (await ask('ledger')).seen,
    seenCount: async () => (await ask('look')).count,
    async statuses() {
      const client = new pg.Client({ connectionString: postgres.url });
      await client.connect();
      const { rows } = await client.query<{ status: string; count: number }>(
        `SELECT d.status, count(*)::int AS count FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id
         WHERE s.url LIKE '%/healthy' GROUP BY d.status`,
      );
      await client.end();
      return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
    },
    async stop() {
      await Promise.all([rig.api, ...rig.workers].map(endProcess));
      receiver.kill();
      await toPostgres.close();
      await toRedis?.close();
      await rig.redis?.stop();
      await rig.postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  const call = async (method: string, path: string, body?: unknown): Promise<{ id: string; status: string }> => {
    const headers = { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' };
    const response = await fetch(apiUrl + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string; status: string };
  };
  await call('PUT', '/v1/accounts/faults', {});
  for (const path of ['healthy', 'failing', 'slow']) {
    const { id } = await call('POST', '/v1/accounts/faults/subscriptions', {
      url: `http://127.0.0.1:${receiverPort}/${path}`,
    });
    for (
      let tries = 0;
      (await call('GET', `/v1/accounts/faults/subscriptions/${id}`)).status !== 'active';
      tries += 1
    ) {
      if (tries > 200) throw new Error(`the subscription /${path} did not become active`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return rig;
}
