import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrateUp } from '@posthorn/core/database-tools';
import { type EmbeddedPostgres, findFreePort, startPostgres } from '@posthorn/embedded';
import { migrateQueues } from '@posthorn/jobs';
import { type Proxy, endProcess, openProxy, startProcess, waitFor } from '@posthorn/testing';
import pg from 'pg';
import type { Seen } from './endpoint.js';
import { openRedis, type RedisKind, type RigRedis } from './rig-redis.js';
import { type SmallDisk, mountSmallDisk } from './small-disk.js';

export type Backend = 'redis' | 'postgres';

/** What a scenario needs beyond the processes: a network between the workers and the stores that can fail; a small disk for Redis; a
 *  wall clock of one process that can be shifted (SIGUSR2). */
export interface RigOptions {
  /** Default: one server. */
  redisKind?: RedisKind;
  /** The folder of the build that migrates the database, and whose processes start first. Default: this one. */
  build?: string;
  network?: boolean;
  smallDisk?: boolean;
  /** Postgres copies its finished WAL files to `archive`. */
  archivesWal?: boolean;
  clock?: { of: 'API' | 'worker'; shiftMs: number };
}

/** All parts, with functions to break them. */
export interface Rig {
  backend: Backend;
  api: ChildProcess;
  workers: ChildProcess[];
  startApi(): Promise<void>;
  startWorker(): Promise<void>;
  /** Start another one, of the build in this folder. The API gets a port of its own, and its URL is added to `publishUrls`. */
  startApiOf(build: string): Promise<Api>;
  startWorkerOf(build: string): Promise<void>;
  postgres: EmbeddedPostgres;
  redis: RigRedis | null;
  /** Settings: of postgresql.conf. */
  startPostgres(settings?: Record<string, string>): Promise<void>;
  /** Holds the folder `data` of Postgres, and `archive`. */
  postgresFolder: string;
  /** Between the workers and Postgres, and between the workers and Redis; null without a network. */
  toPostgres: Proxy | null;
  toRedis: Proxy | null;
  disk: SmallDisk | null;
  /** The URLs for publishing, one per API, and their key. */
  publishUrls: string[];
  operatorKey: string;
  /** The endpoints' ledger from the `from`th request on. */
  seen(from: number): Promise<Seen[]>;
  /** Counts unfinished deliveries to the healthy and the slow subscription. */
  countOpen(): Promise<number>;
  stop(): Promise<void>;
}

export interface Api {
  child: ChildProcess;
  publishUrl: string;
}

/** The account of all events. */
export const ACCOUNT = 'faults';

/** The machine cannot provide what a scenario needs; the message says why. */
export class Impossible extends Error {}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** The folder of this repository. */
export const THIS_BUILD = pathOf('../..');

export async function openRig(backend: Backend, options: RigOptions = {}): Promise<Rig> {
  const undo: (() => unknown)[] = [];
  const undoAll = async () => {
    for (const step of undo.toReversed()) await step();
  };
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= undoAll());
  // Ctrl-C also cleans up.
  const endOnSignal = () => void stop().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, endOnSignal);
    undo.push(() => process.off(signal, endOnSignal));
  }
  try {
    return await open(backend, options, { undo, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Undo {
  undo: (() => unknown)[];
  stop: () => Promise<void>;
}

async function open(backend: Backend, options: RigOptions, { undo, stop }: Undo): Promise<Rig> {
  let rig: Rig | undefined;
  const stores = await openStores(backend, options, undo, () => rig);
  const endpoint = fork(pathOf('./endpoint.js'));
  undo.push(() => endpoint.kill());
  const [{ port: endpointPort }] = (await once(endpoint, 'message')) as [{ port: number }];
  const apps = await prepareApps(backend, stores, options);

  const others: ChildProcess[] = [];
  const urlAt = (port: number) => `http://127.0.0.1:${port}/v1/accounts/${ACCOUNT}/events`;
  const made: Rig = {
    backend,
    api: await apps.startApi(),
    workers: [],
    startApi: async () => void (made.api = await apps.startApi()),
    startWorker: async () => void made.workers.push(await apps.startWorker()),
    async startApiOf(build) {
      const port = await findFreePort();
      const child = await apps.startApi({ build, port });
      others.push(child);
      made.publishUrls.push(urlAt(port));
      return { child, publishUrl: urlAt(port) };
    },
    startWorkerOf: async (build) => void made.workers.push(await apps.startWorker({ build })),
    postgres: stores.postgres,
    redis: stores.redis,
    startPostgres: async (settings) => void (made.postgres = await stores.openPostgres(settings)),
    postgresFolder: stores.postgresFolder,
    toPostgres: stores.toPostgres,
    toRedis: stores.toRedis,
    disk: stores.disk,
    publishUrls: [urlAt(apps.apiPort)],
    operatorKey: apps.operatorKey,
    async seen(from) {
      endpoint.send(from);
      const [seen] = (await once(endpoint, 'message')) as [Seen[]];
      return seen;
    },
    countOpen: () => countOpen(stores.postgres.url),
    stop,
  };
  rig = made;
  undo.push(() => Promise.all([made.api, ...others, ...made.workers].map(endProcess)));
  made.workers = await Promise.all([apps.startWorker({ isFirst: true }), apps.startWorker()]);
  const { apiUrl, operatorKey } = apps;
  await subscribe({ apiUrl, operatorKey, endpointUrl: `http://127.0.0.1:${endpointPort}` });
  return made;
}

/** Starts Postgres and the queue, with the network and the disk that can fail. `getRig`: a fault may have restarted Postgres. */
async function openStores(
  backend: Backend,
  { redisKind = 'single', network = false, smallDisk = false, archivesWal = false, build = THIS_BUILD }: RigOptions,
  undo: Undo['undo'],
  getRig: () => Rig | undefined,
) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-faults-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const disk = smallDisk ? mountSmallDisk(join(folder, 'disk')) : null;
  if (smallDisk && !disk) throw new Impossible('Cannot mount a tmpfs: this needs root.');
  undo.push(() => disk?.unmount());

  const postgresPort = await findFreePort();
  const redisPort = await findFreePort();
  const postgresFolder = join(folder, 'postgres');
  const archiving = archivesWal ? prepareArchive(postgresFolder) : {};
  const openPostgres = (settings: Record<string, string> = {}) =>
    startPostgres({
      directory: postgresFolder,
      port: postgresPort,
      settings: { ...archiving, ...settings },
      log: () => {},
    });
  const redisFolder = join(disk?.folder ?? folder, 'redis');
  const redis = backend === 'redis' ? await openRedis(redisKind, { directory: redisFolder, port: redisPort }) : null;
  undo.push(() => redis?.stop());
  if (backend === 'redis' && !redis) throw new Impossible('There is no redis-server on the PATH.');
  const postgres = await openPostgres();
  undo.push(() => (getRig()?.postgres ?? postgres).stop());
  await migrateUp({ url: postgres.url, log: silent, directory: join(build, 'prisma/migrations') });
  if (backend === 'postgres') await migrateQueues({ backend, url: postgres.url });

  const proxyTo = (port: number) => openProxy({ host: '127.0.0.1', port });
  const toPostgres = network ? await proxyTo(postgresPort) : null;
  const toRedis = network && redisKind === 'single' && redis ? await proxyTo(redisPort) : null;
  undo.push(
    () => toPostgres?.close(),
    () => toRedis?.close(),
  );
  return { disk, postgres, openPostgres, postgresFolder, redis, toPostgres, toRedis };
}

/** Makes the folder for WAL files, and returns the settings that fill it. */
function prepareArchive(postgresFolder: string): Record<string, string> {
  const archive = join(postgresFolder, 'archive');
  mkdirSync(archive, { recursive: true });
  // As root, the suite runs Postgres with another account.
  for (const path of [dirname(postgresFolder), postgresFolder]) chmodSync(path, 0o711);
  chmodSync(archive, 0o777);
  return {
    archive_mode: 'on',
    archive_command: `test ! -f "${archive}/%f" && cp "%p" "${archive}/%f.part" && mv "${archive}/%f.part" "${archive}/%f"`,
  };
}

/** How to start an API and a worker on these stores. */
async function prepareApps(
  backend: Backend,
  { postgres, redis, toPostgres, toRedis }: Awaited<ReturnType<typeof openStores>>,
  { clock, build: firstBuild = THIS_BUILD }: RigOptions,
) {
  const apiPort = await findFreePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const operatorKey = randomBytes(24).toString('base64url');
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: postgres.url,
    QUEUE_BACKEND: backend,
    ...redis?.settings,
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
    ...(toRedis && redis && { REDIS_URL: through(redis.server.url, toRedis) }),
  };
  const shiftable = clock && {
    NODE_OPTIONS: `--import=${new URL('./shift-clock.js', import.meta.url).href}`,
    CLOCK_SHIFT_MS: String(clock.shiftMs),
  };
  return {
    apiUrl,
    apiPort,
    operatorKey,
    startApi: ({ build = firstBuild, port = apiPort } = {}) =>
      startProcess({
        file: join(build, 'apps/api/dist/server.js'),
        env: { ...env, API_PORT: String(port), ...(clock?.of === 'API' && shiftable) },
        readyUrl: `http://127.0.0.1:${port}/readyz`,
      }),
    /** The clock of the first one can be shifted. */
    async startWorker({ build = firstBuild, isFirst = false } = {}) {
      const port = String(await findFreePort());
      return startProcess({
        file: join(build, 'apps/worker/dist/main.js'),
        env: { ...workerEnv, WORKER_HEALTH_PORT: port, ...(isFirst && clock?.of === 'worker' && shiftable) },
        readyUrl: `http://127.0.0.1:${port}/readyz`,
      });
    },
  };
}

async function countOpen(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id
     WHERE d.status IN ('pending', 'held') AND s.url NOT LIKE '%/failing'`,
  );
  await client.end();
  return rows[0]?.count ?? 0;
}

/** Makes three subscriptions: a healthy one for all events, a failing and a slow one for some. */
async function subscribe({ apiUrl, operatorKey, endpointUrl }: Record<string, string>): Promise<void> {
  const call = async (method: string, path: string, body?: unknown): Promise<{ id: string; status: string }> => {
    const response = await fetch(`${apiUrl}/v1/accounts/${ACCOUNT}${path}`, {
      method,
      headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string; status: string };
  };
  await call('PUT', '', {});
  const types = { healthy: [], failing: ['conversation:created'], slow: ['conversation:updated'] };
  for (const [path, events] of Object.entries(types)) {
    const subscription = { url: `${endpointUrl}/${path}`, ...(events.length > 0 && { events }) };
    const { id } = await call('POST', '/subscriptions', subscription);
    await waitFor(async () => (await call('GET', `/subscriptions/${id}`)).status === 'active', {
      what: `the subscription /${path} to become active`,
    });
  }
}

function through(url: string, proxy: Proxy | null): string {
  if (!proxy) return url;
  const rerouted = new URL(url);
  rerouted.port = String(proxy.port);
  return rerouted.href;
}
