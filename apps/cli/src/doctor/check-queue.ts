import { inspectRedis, type QueueConnection } from '@posthorn/jobs';
import { type Check, failed, judgeClock, ok, reasonOf, skipped, warning } from './check.js';

type Report = Awaited<ReturnType<typeof inspectRedis>>;
type Redis = Extract<QueueConnection, { backend: 'redis' }>;

/** Checks the queue: on Redis its topology, what it does when memory is full, and its clock. `chosen`: a sentence if the settings
 *  contradict each other; null: no setting names a queue. */
export async function checkQueue(chosen: QueueConnection | string | null): Promise<Check[]> {
  if (chosen === null) return [skipped('Queue', 'No queue is configured here, and no local stack is running.')];
  if (typeof chosen === 'string') return [failed('Queue', 'the settings contradict each other', chosen)];
  if (chosen.backend === 'postgres') return [ok('Queue', 'BullMQ on Postgres')];
  try {
    const report = await inspectRedis(chosen);
    return [judgeTopology(report, chosen), judgeMemory(report), judgeClock('Clock of Redis', report.aheadMs)];
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

export function judgeTopology({ mode, primaries, version, isPrimary }: Report, chosen: Redis): Check {
  const name = 'Queue';
  const isCluster = 'clusterNodes' in chosen;
  const shards = chosen.shards ?? 1;
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
  if (!isPrimary)
    return failed(name, 'this Redis is a replica', 'Set the address of the primary, or use REDIS_SENTINELS.');
  const [major = 0] = version.split('.').map(Number);
  if (major < 7) return failed(name, `Redis ${version}`, 'Upgrade to Redis 7 or Valkey.');
  if (isCluster && shards < 4 * primaries) {
    return warning(
      name,
      `Redis Cluster ${version} with ${primaries} primaries, QUEUE_SHARDS ${shards}`,
      `Set QUEUE_SHARDS to ${4 * primaries}, four per primary, in all processes.`,
    );
  }
  const kind = isCluster
    ? `Redis Cluster with ${primaries} primaries`
    : 'sentinels' in chosen
      ? 'Redis behind Sentinels'
      : 'Redis';
  return ok(name, `${kind}, version ${version}`);
}

export function judgeMemory({
  evictionPolicy,
  hasAppendOnlyFile,
}: Pick<Report, 'evictionPolicy' | 'hasAppendOnlyFile'>): Check {
  const name = 'Redis memory and persistence';
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
