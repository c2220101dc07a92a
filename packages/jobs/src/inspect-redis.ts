import { once } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import type { QueueConnection } from './backend.js';
import { connectRedis } from './connect-redis.js';

/** What `posthorn doctor` checks about a server that holds jobs. */
export interface RedisServer {
  /** Without user and password. */
  address: string;
  version: string;
  isPrimary: boolean;
  /** `noeviction` is the only one that loses no jobs. */
  evictionPolicy: string;
  hasAppendOnlyFile: boolean;
  /** How far its clock is ahead of this machine's, in milliseconds; negative: behind. 0 if it
   *  may be the same, since a request takes time. */
  aheadMs: number;
}

export interface RedisReport {
  /** What the servers are, whatever the settings call them. */
  mode: 'standalone' | 'cluster' | 'sentinel';
  /** All primaries of a Cluster, otherwise one server. */
  servers: RedisServer[];
}

const WITHIN_MS = 15_000;

type RedisConnection = Extract<QueueConnection, { backend: 'redis' }>;

/** Connects to each server once and reads what could lose jobs. Uses INFO only: the ACL of docs/operate.md and managed servers allow it, unlike
 *  TIME and CONFIG. Throws if a server does not respond within five seconds. */
export async function inspectRedis(connection: RedisConnection, now: () => number = Date.now): Promise<RedisReport> {
  const inspected = await ofEachNode(connection, (node) => inspectServer(node, now));
  const [first] = inspected;
  if (!first) throw new Error('the Cluster has no primary');
  return { mode: first.mode, servers: inspected.map(({ server }) => server) };
}

/** The numbers of a support bundle: no addresses, no keys, no names. */
const DESCRIBED =
  /^(redis_version|redis_mode|role|uptime_in_seconds|used_memory|used_memory_rss|maxmemory|maxmemory_policy|mem_fragmentation_ratio|connected_clients|blocked_clients|rejected_connections|evicted_keys|expired_keys|instantaneous_ops_per_sec|total_commands_processed|used_cpu_sys|used_cpu_user|aof_enabled|aof_last_write_status|rdb_last_bgsave_status|connected_slaves|cluster_enabled|loading|latest_fork_usec)$/;

/** Returns the INFO of each server that holds jobs, without what would name a machine. Throws like `inspectRedis`. */
export function describeRedis(connection: RedisConnection): Promise<Record<string, string>[]> {
  return ofEachNode(connection, async (node) =>
    Object.fromEntries([...readInfo(await node.info())].filter(([name]) => DESCRIBED.test(name))),
  );
}

/** Connects to all primaries of a Cluster, otherwise to one server. */
async function ofEachNode<Found>(
  connection: RedisConnection,
  inspect: (node: Redis) => Promise<Found>,
): Promise<Found[]> {
  let lastError: Error | null = null;
  const client = connectRedis(connection, { producing: true, onError: (error) => (lastError = error) });
  try {
    if (client.status !== 'ready') {
      await once(client, 'ready', { signal: AbortSignal.timeout(WITHIN_MS) }).catch((error: unknown) => {
        throw lastError ?? error;
      });
    }
    const nodes: Redis[] = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
    return await Promise.all(nodes.map(inspect));
  } finally {
    client.disconnect();
  }
}

async function inspectServer(
  node: Redis,
  now: () => number,
): Promise<{ mode: RedisReport['mode']; server: RedisServer }> {
  const before = now();
  const info = readInfo(await node.info());
  const after = now();
  const serverMs = Number(info.get('server_time_usec') ?? after * 1_000) / 1_000;
  const mode = info.get('redis_mode');
  return {
    mode: mode === 'cluster' || mode === 'sentinel' ? mode : 'standalone',
    server: {
      address: `${node.options.host}:${node.options.port}`,
      version: info.get('redis_version') ?? 'unknown',
      isPrimary: info.get('role') !== 'slave',
      evictionPolicy: info.get('maxmemory_policy') ?? 'unknown',
      hasAppendOnlyFile: info.get('aof_enabled') === '1',
      aheadMs: Math.round(serverMs - Math.min(after, Math.max(before, serverMs))),
    },
  };
}

function readInfo(text: string): Map<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const [, name, value] = /^(\w+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
