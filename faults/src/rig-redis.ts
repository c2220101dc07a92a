import { type EmbeddedRedis, startRedis, startRedisCluster, startRedisSentinels } from '@posthorn/embedded';

export const REDIS_KINDS = ['single', 'cluster', 'sentinel'] as const;
export type RedisKind = (typeof REDIS_KINDS)[number];

/** The Redis of a rig. */
export interface RigRedis {
  /** The server that breaks: the only one, a node of the Cluster, or the primary. */
  server: EmbeddedRedis;
  /** The folder of its data. */
  folder: string;
  /** Posthorn's settings for it. */
  settings: Record<string, string>;
  /** The servers that hold jobs. */
  urls(): string[];
  /** Starts `server` again after it has ended. With Sentinels another server may be the primary, and is then `server`. */
  start(): Promise<void>;
  /** Ends all servers. */
  stop(): Promise<void>;
}

/** Starts a Redis with its data in `directory`. Returns null without a redis-server on the PATH. */
export function openRedis(kind: RedisKind, options: { directory: string; port: number }): Promise<RigRedis | null> {
  switch (kind) {
    case 'single':
      return openSingle(options);
    case 'cluster':
      return openCluster(options);
    case 'sentinel':
      return openSentinels(options);
    default:
      return kind satisfies never;
  }
}

async function openSingle({ directory, port }: { directory: string; port: number }): Promise<RigRedis | null> {
  const open = () => startRedis({ directory, port, log: () => {} });
  const server = await open();
  if (!server) return null;
  const redis: RigRedis = {
    server,
    folder: directory,
    settings: { REDIS_URL: server.url },
    urls: () => [server.url],
    start: async () => void (redis.server = (await open()) ?? redis.server),
    stop: () => redis.server.stop(),
  };
  return redis;
}

async function openCluster({ directory }: { directory: string }): Promise<RigRedis | null> {
  const cluster = await startRedisCluster({ directory });
  const node = cluster?.nodes[0];
  if (!cluster || !node) return null;
  const redis: RigRedis = {
    server: node.current,
    folder: node.directory,
    settings: {
      REDIS_CLUSTER_NODES: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(),
      QUEUE_SHARDS: String(4 * cluster.nodes.length),
    },
    urls: () => cluster.nodes.map(({ current }) => current.url),
    async start() {
      await node.start();
      redis.server = node.current;
    },
    stop: () => cluster.stop(),
  };
  return redis;
}

async function openSentinels({ directory }: { directory: string }): Promise<RigRedis | null> {
  const sentinels = await startRedisSentinels({ directory });
  if (!sentinels) return null;
  let primary = await sentinels.findPrimary();
  const redis: RigRedis = {
    server: primary.current,
    folder: primary.directory,
    settings: {
      REDIS_SENTINELS: sentinels.ports.map((port) => `127.0.0.1:${port}`).join(),
      REDIS_SENTINEL_NAME: sentinels.name,
    },
    urls: () => [redis.server.url],
    async start() {
      await primary.start();
      primary = await sentinels.findPrimary();
      redis.server = primary.current;
      redis.folder = primary.directory;
    },
    stop: () => sentinels.stop(),
  };
  return redis;
}
