import { Cluster, Redis } from 'ioredis';
import { tuneRedis } from './tune-redis.js';

export interface RedisServer {
  host: string;
  port: number;
}

/** Login for a Cluster, or for the servers behind Sentinels. */
interface Access {
  username: string | null;
  password: string | null;
  /** Use TLS, also for the Sentinels. */
  isSecure: boolean;
}

/** Which Redis: one server, a Cluster, or the primary behind Sentinels. `ca` is a certificate authority as PEM; default: Node's
 *  trusted authorities. */
export type RedisServers = { ca?: string } & (
  | { url: string }
  | ({ clusterNodes: RedisServer[] } & Access)
  | ({
      sentinels: RedisServer[];
      primaryName: string;
      sentinelUsername: string | null;
      sentinelPassword: string | null;
    } & Access)
);

export type RedisClient = Redis | Cluster;

interface RedisClientOptions {
  producing: boolean;
  onError: (error: Error) => void;
}

const waitMs = (times: number): number => Math.min(100 * times, 500);

/** Connects, and reconnects forever. `producing`: a command without a response from Redis fails within 2 s, and none waits for a
 *  connection. Otherwise commands wait until Redis is back. `onError` is called for each fault. */
export function connectRedis(servers: RedisServers, { producing, onError }: RedisClientOptions): RedisClient {
  const client = 'clusterNodes' in servers ? connectCluster(servers, producing) : connectPrimary(servers, producing);
  client.on('error', onError);
  tuneRedis(client);
  return client;
}

function connectPrimary(servers: Exclude<RedisServers, { clusterNodes: unknown }>, producing: boolean): Redis {
  const options = { ...commandOptions(producing), retryStrategy: waitMs, enableOfflineQueue: !producing };
  if ('url' in servers) {
    return new Redis(servers.url, { ...options, ...(servers.ca !== undefined && { tls: tlsOptions(servers) }) });
  }
  return new Redis({
    ...options,
    ...accessOptions(servers),
    sentinels: servers.sentinels,
    name: servers.primaryName,
    ...(servers.sentinelUsername !== null && { sentinelUsername: servers.sentinelUsername }),
    ...(servers.sentinelPassword !== null && { sentinelPassword: servers.sentinelPassword }),
    ...(servers.isSecure && { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(servers) }),
    sentinelRetryStrategy: waitMs,
    sentinelCommandTimeout: 2_000,
    // A replaced primary may continue as a replica, so ask the Sentinels again.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  });
}

function connectCluster(servers: Extract<RedisServers, { clusterNodes: unknown }>, producing: boolean): Cluster {
  return new Cluster(servers.clusterNodes, {
    redisOptions: { ...commandOptions(producing), ...accessOptions(servers) },
    enableOfflineQueue: !producing,
    clusterRetryStrategy: waitMs,
    slotsRefreshTimeout: 2_000,
    // Certificates name a node, not its address.
    dnsLookup: (name, callback) => callback(null, name),
  });
}

const commandOptions = (producing: boolean) => ({
  connectTimeout: 5_000,
  ...(producing ? { maxRetriesPerRequest: 1, commandTimeout: 2_000 } : { maxRetriesPerRequest: null }),
});

const accessOptions = (access: Access & { ca?: string }) => ({
  ...(access.username !== null && { username: access.username }),
  ...(access.password !== null && { password: access.password }),
  ...(access.isSecure && { tls: tlsOptions(access) }),
});

const tlsOptions = ({ ca }: { ca?: string }) => (ca === undefined ? {} : { ca });
