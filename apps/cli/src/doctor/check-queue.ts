import { readPooling } from '@posthorn/core/database-tools';
import { inspectPostgresQueue, inspectRedis, type QueueConnection, type RedisReport } from '@posthorn/jobs/queue-tools';
import { type Check, failed, judgeClock, ok, reasonOf, skipped, warning } from './check.js';

type Redis = Extract<QueueConnection, { backend: 'redis' }>;
type Server = RedisReport['servers'][number];

/** Checks the queue: on Redis its topology, what each server does when its memory is full, and its clock; on Postgres its tables and
 *  whether a pooler is before it. `chosen`: a sentence if the settings contradict each other; null: no setting names a queue. */
export async function checkQueue(chosen: QueueConnection | string | null): Promise<Check[]> {
  if (chosen === null) return [skipped('Queue', 'No queue is configured here, and no local stack is running.')];
  if (typeof chosen === 'string') return [failed('Queue', 'the settings contradict each other', chosen)];
  if (chosen.backend === 'postgres') return [await checkPostgres(chosen.url)];
  try {
    const report = await inspectRedis(chosen);
    const isOnly = report.servers.length === 1;
    return [
      judgeTopology(report, chosen),
      ...report.servers.flatMap((server) => {
        const of = isOnly ? 'Redis' : `Redis ${server.address}`;
        return [judgeMemory(of, server), judgeClock(`Clock of ${of}`, server.aheadMs)];
      }),
    ];
  } catch (error) {
    return [
      failed(
        'Queue',
        `Redis does not respond: ${reasonOf(error)}`,
        'Check host, port, user, password and TLS in the REDIS_ settings.',
      ),
    ];
  }
}

async function checkPostgres(url: string): Promise<Check> {
  const name = 'Queue';
  try {
    const [{ hasTables }, pooling] = await Promise.all([inspectPostgresQueue(url), readPooling(url)]);
    if (pooling !== 'session') {
      return failed(
        name,
        'BullMQ on Postgres, behind a pooler that shares connections',
        'Set DATABASE_DIRECT_URL to the URL of Postgres itself, or use Redis.',
      );
    }
    if (!hasTables) return failed(name, 'BullMQ on Postgres has no tables', 'Run: posthorn migrate up');
    return ok(name, 'BullMQ on Postgres');
  } catch (error) {
    return failed(
      name,
      `BullMQ on Postgres: the database does not respond: ${reasonOf(error)}`,
      'Check DATABASE_DIRECT_URL, or DATABASE_URL if it is not set.',
    );
  }
}

export function judgeTopology({ mode, servers }: RedisReport, chosen: Redis): Check {
  const name = 'Queue';
  const isCluster = 'clusterNodes' in chosen;
  const shards = chosen.shards ?? 1;
  const primaries = servers.length;
  if (mode === 'sentinel')
    return failed(name, 'REDIS_URL leads to a Sentinel', 'Set REDIS_SENTINELS instead of REDIS_URL.');
  if (mode === 'cluster' && !isCluster) {
    return failed(
      name,
      'REDIS_URL leads to a Redis Cluster',
      'Set REDIS_CLUSTER_NODES and QUEUE_SHARDS instead of REDIS_URL.',
    );
  }
  if (mode !== 'cluster' && isCluster) {
    return failed(name, 'REDIS_CLUSTER_NODES leads to a Redis without Cluster', 'Set REDIS_URL instead.');
  }
  const replica = servers.find(({ isPrimary }) => !isPrimary);
  if (replica) {
    return failed(name, `${replica.address} is a replica`, 'Set the address of the primary, or use REDIS_SENTINELS.');
  }
  const old = servers.find(({ version }) => Number.parseInt(version, 10) < 7);
  if (old) return failed(name, `Redis ${old.version} at ${old.address}`, 'Upgrade to Redis 7 or Valkey.');
  const versions = [...new Set(servers.map(({ version }) => version))].join(', ');
  if (isCluster && shards < 4 * primaries) {
    return warning(
      name,
      `Redis Cluster ${versions} with ${primaries} primaries, QUEUE_SHARDS ${shards}`,
      `Set QUEUE_SHARDS to ${4 * primaries}, four per primary, in all processes.`,
    );
  }
  const kind = isCluster
    ? `Redis Cluster with ${primaries} primaries`
    : 'sentinels' in chosen
      ? 'Redis behind Sentinels'
      : 'Redis';
  return ok(name, `${kind}, version ${versions}`);
}

/** `of`: the server, such as `Redis 10.0.0.7:6379`. */
export function judgeMemory(
  of: string,
  { evictionPolicy, hasAppendOnlyFile }: Pick<Server, 'evictionPolicy' | 'hasAppendOnlyFile'>,
): Check {
  const name = `Memory and persistence of ${of}`;
  const found = `maxmemory-policy ${evictionPolicy}, append-only file ${hasAppendOnlyFile ? 'on' : 'off'}`;
  if (evictionPolicy !== 'noeviction') {
    return failed(
      name,
      found,
      'Set maxmemory-policy noeviction: with another policy Redis deletes jobs when its memory is full.',
    );
  }
  if (hasAppendOnlyFile) return ok(name, found);
  return warning(
    name,
    found,
    'Set appendonly yes, so that a restart forgets no jobs. (The dispatcher enqueues forgotten ones again, later.)',
  );
}
