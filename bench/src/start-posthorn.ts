import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { migrateUp } from '@posthorn/core';
import { findFreePort, startPostgres, startRedis } from '@posthorn/embedded';
import { migrateQueues } from '@posthorn/jobs';
import { endProcess, startProcess } from '@posthorn/testing';
import { Agent, request } from 'undici';

/** Posthorn as it runs, and a sink in a process of its own. */
export interface Bench {
  redisUrl: string | null;
  sink: Sink;
  api: ChildProcess;
  pids: () => Record<string, number[]>;
  /** An account with one verified subscription, to the sink. */
  subscribe(): Promise<string>;
  /** The same to another URL, and with other fields; returns the subscription's id once it is active. */
  subscribeTo(account: string, fields: object): Promise<string>;
  call(method: Method, path: string, body?: string): Promise<{ status: number; text: string }>;
  databaseUrl: string;
  apiUrl: string;
  operatorKey: string;
  /** Resolves when it is accepted. */
  publish(account: string, body: string): Promise<void>;
  startWorkers(): Promise<void>;
  stopWorkers(): Promise<void>;
  stop(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Sink {
  url: string;
  pid: number;
  /** Forgets what it saw. */
  reset(): Promise<void>;
  /** How many events it saw, and when the last one came. */
  look(): Promise<Seen>;
  report(): Promise<Seen>;
}
export interface Seen {
  count: number;
  /** Those that say when they were published. */
  stampedCount: number;
  lastAt: number;
  latenciesMs: number[];
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const app = (entry: string) => fileURLToPath(new URL(`../../apps/${entry}`, import.meta.url));
const here = (entry: string) => fileURLToPath(new URL(entry, import.meta.url));
export const forkHere = (entry: string, args: string[] = []) => fork(here(entry), args);

export async function startBench({
  backend,
  workers,
  env: extraEnv = {},
  workerEnv = {},
}: {
  backend: 'redis' | 'postgres';
  workers: number;
  /** Of all processes; `workerEnv` of the workers alone. */
  env?: Record<string, string>;
  workerEnv?: Record<string, string>;
}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const postgres = await startPostgres({ directory: join(folder, 'postgres'), log: () => {} });
  const redis = await startRedis({ directory: join(folder, 'redis'), log: () => {} });
  if (backend === 'redis' && !redis) throw new Error('There is no redis-server on the PATH; try --backend postgres.');
  await migrateUp({ url: postgres.url, log: silent });
  if (backend === 'postgres') await migrateQueues({ backend, url: postgres.url });

  const sinkProcess = forkHere('./sink.js');
  const [{ port: sinkPort }] = (await once(sinkProcess, 'message')) as [{ port: number }];
  const sink: Sink = {
    url: `http://127.0.0.1:${sinkPort}/webhook`,
    pid: sinkProcess.pid ?? 0,
    reset: async () => void (await ask('reset')),
    look: () => ask('look'),
    report: () => ask('report'),
  };
  async function ask(question: string): Promise<Seen> {
    sinkProcess.send(question);
    const [seen] = (await once(sinkProcess, 'message')) as [Seen];
    return seen;
  }

  const operatorKey = randomBytes(24).toString('base64url');
  const apiPort = await findFreePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    DATABASE_URL: postgres.url,
    QUEUE_BACKEND: backend,
    ...(backend === 'redis' && redis && { REDIS_URL: redis.url }),
    POSTHORN_OPERATOR_KEY: operatorKey,
    POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8',
    REQUIRE_HTTPS: 'false',
    API_HOST: '127.0.0.1',
    API_PORT: String(apiPort),
    WORKER_HEALTH_HOST: '127.0.0.1',
    SHUTDOWN_DELAY_MS: '0',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info', // as in production: logging is part of the cost
    ...extraEnv,
  };
  const start = (entry: string, url: string, extra: Record<string, string> = {}): Promise<ChildProcess> =>
    startProcess({ file: app(entry), env: { ...env, ...extra }, readyUrl: `${url}/readyz` });
  const api = await start('api/dist/server.js', apiUrl);
  let running: ChildProcess[] = [];
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const headers = { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' };

  async function call(method: Method, path: string, body?: string): Promise<{ status: number; text: string }> {
    const response = await request(apiUrl + path, {
      method,
      headers,
      dispatcher: agent,
      ...(body !== undefined && { body }),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  const bench: Bench = {
    redisUrl: redis?.url ?? null,
    sink,
    api,
    pids: () => ({
      api: [api.pid ?? 0],
      worker: running.map(({ pid }) => pid ?? 0),
      ...(backend === 'redis' && redis && { redis: [redis.pid] }),
      postgres: [postgres.pid],
    }),
    call,
    databaseUrl: postgres.url,
    apiUrl,
    operatorKey,
    async subscribe() {
      const account = `bench-${randomBytes(4).toString('hex')}`;
      await call('PUT', `/v1/accounts/${account}`, '{}');
      await bench.subscribeTo(account, { url: sink.url });
      return account;
    },
    async subscribeTo(account, fields) {
      const created = await call('POST', `/v1/accounts/${account}/subscriptions`, JSON.stringify(fields));
      const { id } = JSON.parse(created.text) as { id: string };
      for (let tries = 0; tries < 100; tries += 1) {
        const { text } = await call('GET', `/v1/accounts/${account}/subscriptions/${id}`);
        if ((JSON.parse(text) as { status: string }).status === 'active') return id;
        await pause(100);
      }
      throw new Error(`the subscription did not become active: ${created.text}`);
    },
    async publish(account, body) {
      const { status, text } = await call('POST', `/v1/accounts/${account}/events`, body);
      if (status !== 202) throw new Error(`publish: ${status} ${text}`);
    },
    async startWorkers() {
      running = await Promise.all(
        Array.from({ length: workers }, async () => {
          const port = String(await findFreePort());
          return start('worker/dist/main.js', `http://127.0.0.1:${port}`, { WORKER_HEALTH_PORT: port, ...workerEnv });
        }),
      );
    },
    async stopWorkers() {
      await Promise.all(running.map(endProcess));
      running = [];
    },
    async stop() {
      await bench.stopWorkers();
      await endProcess(api);
      await agent.close();
      sinkProcess.kill();
      await redis?.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return bench;
}
