import { type EmbeddedPostgres, startPostgres, startRedis } from '@posthorn/embedded';
import { join } from 'node:path';
import type { StackSettings } from '../env.js';
import { PlainError } from '../plain-error.js';
import { type Kept, keepRunning, type Running } from './keep-running.js';

/** What the stack's processes need to live: our own while they run, or those of others. */
export interface Service {
  url: string;
  /** null when it belongs to others. */
  own: Kept<Running> | null;
}

interface Surroundings {
  dataDir: string;
  signal: AbortSignal;
  say: (line: string) => void;
  onRestart: () => void;
  log: (line: string) => void;
}

/** `directUrl` is set where the URL leads to a pooler in transaction mode: never to our own Postgres. */
export async function startLedger(
  settings: StackSettings,
  around: Surroundings,
): Promise<Service & { directUrl: string | null }> {
  const { databaseUrl, databaseDirectUrl } = settings;
  if (databaseUrl !== null) return { url: databaseUrl, directUrl: databaseDirectUrl, own: null };
  const directory = join(around.dataDir, 'postgres');
  // Every process has its pool, and BullMQ's Postgres backend another; a restart may overlap.
  const maxConnections = Math.max(200, (settings.workers + 4) * 2 * settings.databasePoolSize);
  const own = await keepRunning('Postgres', {
    ...around,
    start: (previous: EmbeddedPostgres | null) =>
      plainly(startPostgres({ directory, maxConnections, log: around.log, ...samePort(previous) })),
  });
  return { url: own.current.url, directUrl: null, own };
}

/** null: BullMQ keeps its jobs in Postgres. Without a URL: a Cluster, or Sentinels, which the settings name. */
export async function startQueue(
  settings: StackSettings,
  around: Surroundings,
): Promise<(Omit<Service, 'url'> & { url: string | null }) | null> {
  if (settings.queueBackend === 'postgres') return null;
  if (settings.redisUrl !== null) return { url: settings.redisUrl, own: null };
  if (settings.redisClusterNodes.length > 0 || settings.redisSentinels.length > 0) return { url: null, own: null };
  const directory = join(around.dataDir, 'redis');
  const first = await plainly(startRedis({ directory, log: around.log }));
  if (first === null) {
    if (settings.queueBackend === 'auto') return null;
    throw new PlainError(
      'QUEUE_BACKEND is redis, but REDIS_URL is not set and there is no redis-server and no valkey-server on the PATH: install one, or set QUEUE_BACKEND to postgres.',
    );
  }
  const own = await keepRunning('Redis', {
    ...around,
    start: async (previous: typeof first | null) => {
      if (previous === null) return first;
      const again = await startRedis({ directory, log: around.log, ...samePort(previous) });
      if (again === null) throw new Error('redis-server is gone from the PATH.');
      return again;
    },
  });
  return { url: first.url, own };
}

// After a restart its clients look for it where it was.
function samePort(previous: { url: string } | null): { port?: number } {
  return previous === null ? {} : { port: Number(new URL(previous.url).port) };
}

// What the servers say when they do not start is a sentence for people.
async function plainly<T>(start: Promise<T>): Promise<T> {
  try {
    return await start;
  } catch (error) {
    throw new PlainError((error as Error).message, { cause: error });
  }
}
