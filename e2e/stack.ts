import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { rmSync } from 'node:fs';
import { type EmbeddedRedis, findFreePort, startRedis } from '@posthorn/embedded';
import { cloneDatabase, endProcess, makeScratchFolder, startProcess, waitFor } from '@posthorn/testing';
import { inject } from 'vitest';

/** The complete product: its own processes, with a real Postgres and a real queue, used over HTTP. */
export interface Stack {
  apiUrl: string;
  operatorKey: string;
  databaseUrl: string;
  redis: EmbeddedRedis | null;
  workers: ChildProcess[];
  startWorker(env?: Record<string, string>): Promise<ChildProcess>;
  startApi(env?: Record<string, string>): Promise<void>;
  /** Starts another API beside the first. Returns its URL. */
  addApi(): Promise<string>;
  api: ChildProcess;
  /** The log lines of all processes, one JSON document each. */
  logs: string[];
  /** Makes an API call as the operator; returns the parsed response. Throws on an unexpected status. */
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown, expected?: number): Promise<T>;
  /** Publishes these exact bytes. */
  publish(
    account: string,
    body: string,
    headers?: Record<string, string>,
    /** Default: the first API. */
    atUrl?: string,
  ): Promise<{ id: string; deliveries: number }>;
  /** Makes an account with a verified subscription of this URL. */
  subscribe(
    url: string,
    extra?: { account?: string; [field: string]: unknown },
  ): Promise<{ account: string; id: string; secret: string }>;
  /** The only delivery of an event, with its attempts. */
  delivery(account: string, eventId: string): Promise<DeliveryJson>;
  /** Repeating is safe. */
  stop(): Promise<void>;
}

export interface DeliveryJson {
  id: string;
  status: string;
  statusReason: string | null;
  attemptCount: number;
  nextAttemptAt: string | null;
  attempts: {
    number: number;
    outcome: string;
    statusCode: number | null;
    trigger: string;
    startedAt: string;
    error: string | null;
    responseBody: string | null;
  }[];
}

export interface StackOptions {
  backend: 'redis' | 'postgres';
  workers?: number;
  env?: Record<string, string>;
  /** Settings of a Redis that the test started. Default: the stack starts one. */
  redis?: Record<string, string>;
  /** Default: a clone of the template. */
  databaseUrl?: string;
}

export async function startStack({
  backend,
  workers = 1,
  env = {},
  redis: redisSettings,
  databaseUrl,
}: StackOptions): Promise<Stack> {
  const database = databaseUrl
    ? { url: databaseUrl, drop: () => Promise.resolve() }
    : await cloneDatabase(inject('templateDatabaseUrl'));
  // A separate Redis, so that a test may flush, stop or kill it.
  const folder = makeScratchFolder();
  const needsRedis = backend === 'redis' && !redisSettings;
  const redis = needsRedis ? await startRedis({ directory: folder, log: () => {} }) : null;
  if (needsRedis && !redis) throw new Error('this machine has no redis-server');
  const apiPort = await findFreePort();
  const operatorKey = randomBytes(24).toString('base64url');
  const settings: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: '5',
    QUEUE_BACKEND: backend,
    ...(redis && { REDIS_URL: redis.url }),
    ...redisSettings,
    POSTHORN_OPERATOR_KEY: operatorKey,
    POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8,::1,localhost',
    REQUIRE_HTTPS: 'false',
    API_HOST: '127.0.0.1',
    API_PORT: String(apiPort),
    POSTHORN_BOARD_URL: 'http://127.0.0.1:3401/',
    WORKER_HEALTH_HOST: '127.0.0.1',
    SHUTDOWN_DELAY_MS: '0',
    LOG_LEVEL: 'info',
    ...env,
  };
  const logs: string[] = [];
  const apiUrl = `http://127.0.0.1:${apiPort}`;

  const start = (entry: string, url: string, extra: Record<string, string>): Promise<ChildProcess> =>
    startProcess({
      file: fileURLToPath(new URL(`../apps/${entry}`, import.meta.url)),
      env: { ...settings, ...extra },
      readyUrl: `${url}/readyz`,
      onLine: (line) => void logs.push(line),
    });

  const moreApis: ChildProcess[] = [];
  let stopped: Promise<void> | null = null;
  async function stop(): Promise<void> {
    await Promise.all([stack.api, ...moreApis, ...stack.workers].map(endProcess));
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  }
  const stack: Stack = {
    apiUrl,
    operatorKey,
    databaseUrl: database.url,
    redis,
    workers: [],
    logs,
    api: await start('api/dist/server.js', apiUrl, {}),
    async startApi(extra = {}) {
      stack.api = await start('api/dist/server.js', apiUrl, extra);
    },
    async addApi() {
      const port = String(await findFreePort());
      const url = `http://127.0.0.1:${port}`;
      moreApis.push(await start('api/dist/server.js', url, { API_PORT: port }));
      return url;
    },
    async startWorker(extra = {}) {
      const port = String(await findFreePort());
      const worker = await start('worker/dist/main.js', `http://127.0.0.1:${port}`, {
        WORKER_HEALTH_PORT: port,
        ...extra,
      });
      stack.workers.push(worker);
      return worker;
    },
    async call<T>(method: string, path: string, body?: unknown, expected?: number): Promise<T> {
      const response = await fetch(apiUrl + path, {
        method,
        headers: {
          authorization: `Bearer ${operatorKey}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (expected === undefined ? !response.ok : response.status !== expected)
        throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return (text ? JSON.parse(text) : {}) as T;
    },
    async publish(account, body, headers = {}, atUrl = apiUrl) {
      const response = await fetch(`${atUrl}/v1/accounts/${account}/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json', ...headers },
        body,
      });
      if (response.status !== 202) throw new Error(`publish: ${response.status} ${await response.text()}`);
      return (await response.json()) as { id: string; deliveries: number };
    },
    async subscribe(url, { account = `account-${randomBytes(6).toString('hex')}`, ...extra } = {}) {
      await stack.call('PUT', `/v1/accounts/${account}`, {});
      const { id } = await stack.call<{ id: string }>('POST', `/v1/accounts/${account}/subscriptions`, {
        url,
        ...extra,
      });
      const path = `/v1/accounts/${account}/subscriptions/${id}`;
      await waitFor(async () => (await stack.call<{ status: string }>('GET', path)).status === 'active', {
        what: 'the subscription to be active',
      });
      const { secret } = await stack.call<{ secret: string }>('GET', `${path}/secret`);
      return { account, id, secret };
    },
    async delivery(account, eventId) {
      const { data } = await stack.call<{ data: { id: string }[] }>(
        'GET',
        `/v1/accounts/${account}/deliveries?event=${eventId}`,
      );
      return stack.call<DeliveryJson>('GET', `/v1/accounts/${account}/deliveries/${data[0]?.id}`);
    },
    stop: () => (stopped ??= stop()),
  };
  for (let index = 0; index < workers; index += 1) await stack.startWorker();
  return stack;
}
