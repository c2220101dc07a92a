import { crc32 } from 'node:zlib';
import { QUEUES, type QueueName } from './catalog.js';

// QUEUE_SHARDS spreads the jobs of `deliver` and `retry` over BullMQ queues of the same name, each with a hash tag of its own, so that the
// nodes of a Cluster share the work. A job's shard follows from the job's id:
//   `dlv_…-3`, one attempt       always the same shard, so that the queue ignores the attempt while it knows it
//   `group-…`, several at once   any shard: the id is random
// By account, one large account would stay on one node. By delivery or event, deliveries that are due together could share no job.

/** In how many shards a queue is. */
export const shardCount = (queue: QueueName, shards: number): number => (QUEUES[queue].isSharded ? shards : 1);

/** In which of `shards` shards a job is, from 0 on. */
export const shardOf = (jobId: string, shards: number): number => crc32(jobId) % shards;

/** Puts jobs beside those of the same shard: `groups[shard]`. */
export function byShard<T>(jobs: T[], shards: number, idOf: (job: T) => string): T[][] {
  const groups: T[][] = Array.from({ length: shards }, () => []);
  for (const job of jobs) groups[shardOf(idOf(job), shards)]?.push(job);
  return groups;
}
