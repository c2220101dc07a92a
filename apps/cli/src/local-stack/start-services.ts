import { type EmbeddedPostgres, startPostgres, startRedis } from '@posthorn/embedded';
import { join } from 'node:path';
import type { StackSettings } from '../env.js';
import { PlainError } from '../plain-error.js';
import { type Kept, keepRunning, type Running } from './keep-running.js';

/** A Postgres or Redis for the stack: its own while it runs, or an external one. */
export interface Service {
  url: string;
  /** null for an external one. */
  own: Kept<Running> | null;
}

interface Surroundings {
  dataDir: string;
  signal: AbortSignal;
  say: (line: string) => void;
  onRestart: () => void;
  log: (line: string) => void;
}

/** `directUrl` is set if the URL leads to a pooler in transaction mode, never for the stack's own Postgres. */
export async function startLedger(
  settings: StackSettings,
  around: Surroundings,
): Promise<Service & { directUrl: string | null }> {
  const { databaseUrl, databaseDirectUrl } = settings;
  if (databaseUrl !== null) return { url: databaseUrl, directUrl: databaseDirectUrl, own: null };
  const directory = join(around.dataDir, 'postgres');
  // Every process has its pool, BullMQ's Postgres backend another; during a restart, old and new pools overlap.
  const maxConnections = Math.max(200, (settings.workers + 4) * 2 * settings.databasePoolSize);
  const own = await keepRunning('Postgres', {
    ...around,
    start: (previous: EmbeddedPostgres | null) =>
      plainly(startPostgres({ directory, maxConnections, log: around.log, ...samePort(previous) })),
  });
  return { url: own.current.url, directUrl: null, own };
}

/** null: BullMQ keeps its jobs in Postgres. Without a URL: the settings name a Cluster or Sentinels. */
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
      'QUEUE_BACKEND is redis, but REDIS_URL is not set and the PATH has neither redis-server nor valkey-server. Install one, or set QUEUE_BACKEND to postgres.',
    );
  }
  const own = await keepRunning('Redis', {
    ...around,
    start: async (previous: typeof first | null) => {
      if (previous === null) return first;
      const again = await startRedis({ directory, log: around.log, ...samePort(previous) });
      if (again === null) throw new Error('redis-server is no longer on the PATH.');
      return again;
    },
  });
  return { url: first.url, own };
}

// After a restart its clients expect it at the same port.
function samePort(previous: { url: string } | null): { port?: number } {
  return previous === null ? {} : { port: Number(new URL(previous.url).port) };
}

// The servers' start errors are sentences for people, so the stack trace is left out.
async function plainly<T>(start: Promise<T>): Promise<T> {
  try {
    return await start;
  } catch (error) {
    throw new PlainError((error as Error).message, { cause: error });
  }
}
