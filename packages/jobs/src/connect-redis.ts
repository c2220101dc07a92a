import { Cluster, Redis } from 'ioredis';
import { tuneRedis } from './tune-redis.js';

export interface RedisServer {
  host: string;
  port: number;
}

/** How to log in to a Cluster, or to the servers that Sentinels watch. */
interface Access {
  username: string | null;
  password: string | null;
  /** Over TLS; the Sentinels, too. */
  isSecure: boolean;
}

/** Which Redis: one server, a Cluster, or the primary that Sentinels name. `ca` is a certificate authority as PEM; default: those that
 *  Node trusts. */
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

/** Connects, and reconnects for ever. `producing`: a command that Redis does not answer fails within 2 s, and none waits for a connection.
 *  Otherwise commands wait for Redis to come back. `onError` hears of each fault. */
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
    // A primary that was replaced may live on as a replica: ask the Sentinels again.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  });
}

function connectCluster(servers: Extract<RedisServers, { clusterNodes: unknown }>, producing: boolean): Cluster {
  return new Cluster(servers.clusterNodes, {
    redisOptions: { ...commandOptions(producing), ...accessOptions(servers) },
    enableOfflineQueue: !producing,
    clusterRetryStrategy: waitMs,
    slotsRefreshTimeout: 2_000,
    // A certificate is for the name of a node, not for its address.
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
