import { crc32 } from 'node:zlib';
import { QUEUES, type QueueName } from './catalog.js';

// QUEUE_SHARDS spreads the jobs of `deliver` and `retry` over BullMQ queues of the same name. Each has its own hash tag, so the nodes of a
// Cluster share the work. A job's id determines its shard:
//   `dlv_…-3`, one attempt       always the same shard, so that the queue ignores the attempt while it knows it
//   `group-…`, several at once   any shard: the id is random
// Sharding by account would keep a large account on one node. Sharding by delivery or event would prevent shared jobs.

/** The number of shards of a queue. */
export const shardCount = (queue: QueueName, shards: number): number => (QUEUES[queue].isSharded ? shards : 1);

/** The shard of a job among `shards`, from 0 on. */
export const shardOf = (jobId: string, shards: number): number => crc32(jobId) % shards;

/** Groups jobs by shard: `groups[shard]`. */
export function byShard<T>(jobs: T[], shards: number, idOf: (job: T) => string): T[][] {
  const groups: T[][] = Array.from({ length: shards }, () => []);
  for (const job of jobs) groups[shardOf(idOf(job), shards)]?.push(job);
  return groups;
}
