import { readFileSync } from 'node:fs';
import type { QueueConnection } from './backend.js';
import type { RedisServers } from './connect-redis.js';

/** The settings that decide where the queue is, as `readEnv` of `packages/settings` returns them. */
export interface QueueSettings {
  queueBackend: 'auto' | 'redis' | 'postgres';
  queueShards: number;
  redisUrl: string | null;
  redisClusterNodes: { host: string; port: number }[];
  redisSentinels: { host: string; port: number }[];
  redisSentinelName: string;
  redisSentinelUsername: string | null;
  redisSentinelPassword: string | null;
  redisUsername: string | null;
  redisPassword: string | null;
  redisTls: boolean;
  redisTlsCaFile: string | null;
  databaseUrl: string | null;
  databaseDirectUrl: string | null;
}

/** Where the queue is. `auto` uses Redis if a setting names one. BullMQ on Postgres needs sessions, so it uses the direct URL. Reads
 *  the file of REDIS_TLS_CA_FILE. If settings contradict each other, returns a string that names the setting to change. */
export function chooseQueue(found: QueueSettings): QueueConnection | string {
  const isRedisNamed = found.redisUrl !== null || found.redisClusterNodes.length > 0 || found.redisSentinels.length > 0;
  if (found.queueBackend !== 'postgres' && isRedisNamed) {
    const servers = findConflict(found) ?? chooseServers(found);
    return typeof servers === 'string' ? servers : { backend: 'redis', shards: found.queueShards, ...servers };
  }
  if (found.queueBackend === 'redis') {
    return 'REDIS_URL is required, since QUEUE_BACKEND is redis (or REDIS_CLUSTER_NODES, or REDIS_SENTINELS).';
  }
  if (found.queueShards > 1) return 'QUEUE_SHARDS applies only to Redis: remove it, or set REDIS_CLUSTER_NODES.';
  const databaseUrl = found.databaseDirectUrl ?? found.databaseUrl;
  if (databaseUrl !== null) return { backend: 'postgres', url: databaseUrl };
  return 'REDIS_URL is required, or DATABASE_URL if BullMQ runs on Postgres.';
}

/** Returns which settings contradict each other and what to change; null if none do. */
function findConflict(found: QueueSettings): string | null {
  const named = [
    found.redisUrl !== null && 'REDIS_URL',
    found.redisClusterNodes.length > 0 && 'REDIS_CLUSTER_NODES',
    found.redisSentinels.length > 0 && 'REDIS_SENTINELS',
  ].filter((name) => name !== false);
  if (named.length > 1) return `${named.join(' and ')} are both set: keep one.`;

  if (found.redisUrl !== null) {
    const LOGIN = 'is for REDIS_CLUSTER_NODES and REDIS_SENTINELS';
    if (found.redisUsername !== null || found.redisPassword !== null) {
      const name = found.redisPassword === null ? 'REDIS_USERNAME' : 'REDIS_PASSWORD';
      return `${name} ${LOGIN}: write user and password into REDIS_URL instead, redis://user:password@host:6379.`;
    }
    if (found.redisTls) return `REDIS_TLS ${LOGIN}: write rediss:// in REDIS_URL instead.`;
  }
  if (found.redisUsername !== null && found.redisPassword === null) return 'REDIS_USERNAME needs REDIS_PASSWORD.';

  const hasSentinelLogin = found.redisSentinelUsername !== null || found.redisSentinelPassword !== null;
  if (hasSentinelLogin && found.redisSentinels.length === 0) {
    return 'REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD are for Sentinels: remove them, or set REDIS_SENTINELS.';
  }
  if (found.redisSentinelUsername !== null && found.redisSentinelPassword === null) {
    return 'REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD.';
  }

  const isSecure = found.redisTls || found.redisUrl?.startsWith('rediss:');
  if (found.redisTlsCaFile !== null && !isSecure) {
    return 'REDIS_TLS_CA_FILE has no effect without TLS: write rediss:// in REDIS_URL, or set REDIS_TLS=true.';
  }
  return null;
}

function chooseServers(found: QueueSettings): RedisServers | string {
  const ca = readCertificate(found.redisTlsCaFile);
  if (typeof ca === 'string') return ca;
  if (found.redisUrl !== null) return { url: found.redisUrl, ...ca };
  const access = { username: found.redisUsername, password: found.redisPassword, isSecure: found.redisTls, ...ca };
  if (found.redisClusterNodes.length > 0) return { clusterNodes: found.redisClusterNodes, ...access };
  return {
    sentinels: found.redisSentinels,
    primaryName: found.redisSentinelName,
    sentinelUsername: found.redisSentinelUsername,
    sentinelPassword: found.redisSentinelPassword,
    ...access,
  };
}

function readCertificate(file: string | null): { ca?: string } | string {
  if (file === null) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return `REDIS_TLS_CA_FILE names a file that cannot be read: ${code}.`;
  }
}
