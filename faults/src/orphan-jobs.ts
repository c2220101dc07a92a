import { toUuid } from '@posthorn/contract';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Rig } from './rig.js';

/** Returns the deliveries of unfinished jobs in Redis. Empty if the queue is in Postgres. */
export async function readQueued(rig: Rig): Promise<string[]> {
  return (await Promise.all((rig.redis?.urls() ?? []).map(readJobs))).flat();
}

async function readJobs(url: string): Promise<string[]> {
  const redis = new Redis(url);
  try {
    const found = new Set<string>();
    for await (const keys of redis.scanStream({ type: 'hash', count: 1_000 }) as AsyncIterable<string[]>) {
      for (const key of keys.filter((name) => /:(deliver|retry):/.test(name))) {
        const [data, finishedOn] = await redis.hmget(key, 'data', 'finishedOn');
        if (finishedOn !== null) continue;
        for (const [id] of (data ?? '').matchAll(/dlv_\w{26}/g)) found.add(toUuid('dlv', id) ?? '');
      }
    }
    return [...found];
  } finally {
    redis.disconnect();
  }
}

/** Counts those of the deliveries that are not in the database. */
export async function countOrphans(rig: Rig, queued: string[]): Promise<number> {
  const client = new pg.Client({ connectionString: rig.postgres.url });
  await client.connect();
  try {
    const sql = 'SELECT id FROM deliveries WHERE id = ANY ($1::uuid[])';
    const { rows } = await client.query<{ id: string }>(sql, [queued]);
    const stored = new Set(rows.map(({ id }) => id));
    return queued.filter((id) => !stored.has(id)).length;
  } finally {
    await client.end();
  }
}
