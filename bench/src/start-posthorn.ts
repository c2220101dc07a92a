import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrateUp, openCipher } from '@posthorn/core';
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
  const closers: (() => Promise<unknown> | void)[] = [];
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

async function startParts(
  { backend, workers, env: extraEnv, workerEnv }: PosthornOptions,
  { closers, close }: { closers: (() => Promise<unknown> | void)[]; close: () => Promise<void> },
): Promise<Posthorn> {
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
  const start = (entry: string, url: string, extra: Record<string, string> = {}): Promise<ChildProcess> =>
    startProcess({ file: app(entry), env: { ...env, ...extra }, readyUrl: `${url}/readyz` });
  const api = await start('api/dist/server.js', apiUrl);
  closers.push(() => endProcess(api));
  const dialect = openPosthornDialect({ apiUrl, operatorKey: keys.operator });
  closers.push(() => dialect.close());

  let running: ChildProcess[] = [];
  async function startWorkers(count = workers): Promise<void> {
    running = await Promise.all(
      Array.from({ length: count }, async () => {
        const port = String(await findFreePort());
        return start('worker/dist/main.js', `http://127.0.0.1:${port}`, { WORKER_HEALTH_PORT: port, ...workerEnv });
      }),
    );
  }
  async function stopWorkers(): Promise<void> {
    await Promise.all(running.map(endProcess));
    running = [];
  }
  closers.push(stopWorkers);
  await startWorkers();

  return {
    ...dialect,
    databaseUrl: postgres.url,
    redisUrl: redis?.url ?? null,
    apiUrl,
    operatorKey: keys.operator,
    api,
    startWorkers,
    stopWorkers,
    close,
    pids: () => ({
      api: [api.pid ?? 0],
      worker: running.map(({ pid }) => pid ?? 0),
      postgres: [postgres.pid],
      ...(redis && { redis: [redis.pid] }),
    }),
    async subscribeAccounts(urls) {
      return insertAccounts({ databaseUrl: postgres.url, encryptionKey: keys.encryption, urls });
    },
    async subscribe(urls) {
      if (urls.length <= MOST_VERIFIED) return dialect.subscribe(urls);
      const account = await dialect.subscribe(urls.slice(0, 1));
      const encryptionKey = keys.encryption;
      await insertSubscriptions({ databaseUrl: postgres.url, encryptionKey, account, urls: urls.slice(1) });
      return account;
    },
  };
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
  const accounts = urls.map((_, n) => `many-${n}`);
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
