import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openCipher } from '@posthorn/core';
import { migrateUp } from '@posthorn/core/database-tools';
import { findFreePort, startPostgres, startRedis } from '@posthorn/embedded';
import { migrateQueues } from '@posthorn/jobs';
import { endProcess, startProcess } from '@posthorn/testing';
import pg from 'pg';
import { openPosthornDialect, type PosthornDialect } from './posthorn-dialect.js';

export interface PosthornOptions {
  backend: 'redis' | 'postgres';
  workers: number;
  /** For all processes; `workerEnv` only for workers. */
  env: Record<string, string>;
  workerEnv: Record<string, string>;
}

/** Posthorn as in production, on this machine: Postgres, the queue, an API and workers, each in a separate process. */
export interface Posthorn extends PosthornDialect {
  databaseUrl: string;
  apiUrl: string;
  operatorKey: string;
  api: ChildProcess;
  pids(): Record<string, number[]>;
  /** Makes an account with one active subscription per URL. Returns the accounts, in order. */
  subscribeAccounts(urls: string[]): Promise<string[]>;
  /** Default: as many as at the start. */
  startWorkers(count?: number): Promise<void>;
  stopWorkers(): Promise<void>;
}

/** More subscriptions are inserted directly, since Posthorn starts at most 60 verifications per minute and account. */
const MOST_VERIFIED = 20;

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const app = (entry: string) => fileURLToPath(new URL(`../../apps/${entry}`, import.meta.url));

/** Starts everything with an empty database. If a part does not start, stops the others. */
export async function startPosthorn(options: PosthornOptions): Promise<Posthorn> {
  const closers: Closers = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).toReversed()) await closeOne();
  };
  try {
    return await startParts(options, { closers, close });
  } catch (error) {
    await close();
    throw error;
  }
}

type Closers = (() => Promise<unknown> | void)[];

async function startParts(
  { backend, workers, env: extraEnv, workerEnv }: PosthornOptions,
  { closers, close }: { closers: Closers; close: () => Promise<void> },
): Promise<Posthorn> {
  const { postgres, redis } = await startStores(backend, closers);
  const keys = { operator: randomBytes(24).toString('base64url'), encryption: randomBytes(32).toString('base64') };
  const apiPort = await findFreePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    DATABASE_URL: postgres.url,
    QUEUE_BACKEND: backend,
    ...(redis && { REDIS_URL: redis.url }),
    POSTHORN_OPERATOR_KEY: keys.operator,
    POSTHORN_ENCRYPTION_KEY: keys.encryption,
    ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8',
    REQUIRE_HTTPS: 'false',
    API_HOST: '127.0.0.1',
    API_PORT: String(apiPort),
    WORKER_HEALTH_HOST: '127.0.0.1',
    SHUTDOWN_DELAY_MS: '0',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info', // as in production: logging is part of the cost
    ...extraEnv,
  };
  const api = await startProcess({ file: app('api/dist/server.js'), env, readyUrl: `${apiUrl}/readyz` });
  closers.push(() => endProcess(api));
  const dialect = openPosthornDialect({ apiUrl, operatorKey: keys.operator });
  closers.push(() => dialect.close());
  const pool = openWorkerPool({ ...env, ...workerEnv }, workers);
  closers.push(() => pool.stopWorkers());
  await pool.startWorkers();

  return {
    ...dialect,
    ...subscribing(dialect, { databaseUrl: postgres.url, encryptionKey: keys.encryption }),
    databaseUrl: postgres.url,
    redisUrl: redis?.url ?? null,
    apiUrl,
    operatorKey: keys.operator,
    api,
    startWorkers: pool.startWorkers,
    stopWorkers: pool.stopWorkers,
    close,
    pids: () => ({
      api: [api.pid ?? 0],
      worker: pool.pids(),
      postgres: [postgres.pid],
      ...(redis && { redis: [redis.pid] }),
    }),
  };
}

/** Starts Postgres and the queue, with the tables of both. */
async function startStores(backend: PosthornOptions['backend'], closers: Closers) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const postgres = await startPostgres({
    directory: join(folder, 'postgres'),
    settings: { shared_preload_libraries: 'pg_stat_statements' }, // for the meter
    log: () => {},
  });
  closers.push(() => postgres.stop());
  const redis = backend === 'redis' ? await startRedis({ directory: join(folder, 'redis'), log: () => {} }) : null;
  if (redis) closers.push(() => redis.stop());
  else if (backend === 'redis') throw new Error('There is no redis-server on the PATH. Try --backend postgres.');
  await migrateUp({ url: postgres.url, log: silent });
  if (backend === 'postgres') await migrateQueues({ backend, url: postgres.url });
  return { postgres, redis };
}

function openWorkerPool(env: Record<string, string>, atFirst: number) {
  let running: ChildProcess[] = [];
  return {
    pids: () => running.map(({ pid }) => pid ?? 0),
    async startWorkers(count = atFirst): Promise<void> {
      running = await Promise.all(
        Array.from({ length: count }, async () => {
          const port = String(await findFreePort());
          return startProcess({
            file: app('worker/dist/main.js'),
            env: { ...env, WORKER_HEALTH_PORT: port },
            readyUrl: `http://127.0.0.1:${port}/readyz`,
          });
        }),
      );
    },
    async stopWorkers(): Promise<void> {
      await Promise.all(running.map(endProcess));
      running = [];
    },
  };
}

/** Accounts and subscriptions: few through the API, many by SQL. */
function subscribing(
  dialect: PosthornDialect,
  direct: { databaseUrl: string; encryptionKey: string },
): Pick<Posthorn, 'subscribe' | 'subscribeAccounts' | 'unsubscribe'> {
  return {
    subscribeAccounts: (urls) => insertAccounts({ ...direct, urls }),
    async unsubscribe(account) {
      await dialect.unsubscribe(account);
      await untilErased(direct.databaseUrl); // so that the erasure does not run beside the next case
    },
    async subscribe(urls) {
      if (urls.length <= MOST_VERIFIED) return dialect.subscribe(urls);
      const account = await dialect.subscribe(urls.slice(0, 1));
      await insertSubscriptions({ ...direct, account, urls: urls.slice(1) });
      return account;
    },
  };
}

/** Resolves when no deleted account is left to erase, which takes minutes for a large one. Needs a worker. */
async function untilErased(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    while ((await client.query('SELECT FROM erasures LIMIT 1')).rowCount !== 0) await pause(200);
  } finally {
    await client.end();
  }
}

/** Adds subscriptions like the first one of an account, without verifications. */
async function insertSubscriptions({
  databaseUrl,
  encryptionKey,
  account,
  urls,
}: {
  databaseUrl: string;
  encryptionKey: string;
  account: string;
  urls: string[];
}): Promise<void> {
  const cipher = openCipher({ current: encryptionKey });
  const ids = urls.map(() => randomUUID());
  const sealed = ids.map((id) =>
    cipher.seal(`whsec_${randomBytes(32).toString('base64')}`, `secret:${id}`).toString('hex'),
  );
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    `WITH added AS (
       INSERT INTO subscriptions (id, account_id, url, events, status)
       SELECT one.id, account_id, one.url, events, status
       FROM unnest($2::uuid[], $3::text[]) AS one (id, url), (SELECT * FROM subscriptions WHERE account_id = $1 LIMIT 1) first
     )
     INSERT INTO secrets (id, subscription_id, key_id, sealed)
     SELECT gen_random_uuid(), id, $5, decode(sealed, 'hex') FROM unnest($2::uuid[], $4::text[]) AS one (id, sealed)`,
    [account, ids, urls, sealed, cipher.keyId],
  );
  await client.query('ANALYZE subscriptions, secrets');
  await client.end();
}

/** Adds accounts with one active subscription each, without verifications. */
async function insertAccounts({
  databaseUrl,
  encryptionKey,
  urls,
}: {
  databaseUrl: string;
  encryptionKey: string;
  urls: string[];
}): Promise<string[]> {
  const cipher = openCipher({ current: encryptionKey });
  const call = randomBytes(4).toString('hex');
  const accounts = urls.map((_, n) => `many-${call}-${n}`);
  const ids = urls.map(() => randomUUID());
  const sealed = ids.map((id) =>
    cipher.seal(`whsec_${randomBytes(32).toString('base64')}`, `secret:${id}`).toString('hex'),
  );
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('INSERT INTO accounts (id) SELECT unnest($1::text[])', [accounts]);
  await client.query(
    `INSERT INTO subscriptions (id, account_id, url, events, status)
     SELECT id, account, url, '{}', 'active' FROM unnest($1::uuid[], $2::text[], $3::text[]) AS one (id, account, url)`,
    [ids, accounts, urls],
  );
  await client.query(
    `INSERT INTO secrets (id, subscription_id, key_id, sealed)
     SELECT gen_random_uuid(), id, $3, decode(sealed, 'hex') FROM unnest($1::uuid[], $2::text[]) AS one (id, sealed)`,
    [ids, sealed, cipher.keyId],
  );
  await client.query('ANALYZE accounts, subscriptions, secrets');
  await client.end();
  return accounts;
}
