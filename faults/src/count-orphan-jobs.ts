import { toUuid } from '@posthorn/contract';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Rig } from './rig.js';

/** Counts the unfinished jobs in Redis whose delivery is not in the database. Skips jobs of several deliveries, whose ids do not name
 *  them. Returns 0 if the queue is in Postgres. */
export async function countOrphanJobs(rig: Rig): Promise<number> {
  const jobs = (await Promise.all((rig.redis?.urls() ?? []).map(readJobs))).flat();
  const client = new pg.Client({ connectionString: rig.postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>('SELECT id FROM deliveries WHERE id = ANY ($1::uuid[])', [
      jobs,
    ]);
    const stored = new Set(rows.map(({ id }) => id));
    return jobs.filter((id) => !stored.has(id)).length;
  } finally {
    await client.end();
  }
}

/** The deliveries of unfinished jobs. */
async function readJobs(url: string): Promise<string[]> {
  const redis = new Redis(url);
  try {
    const found: string[] = [];
    for await (const keys of redis.scanStream({ match: '*:dlv_*', count: 1_000 }) as AsyncIterable<string[]>) {
      for (const key of keys) {
        const [, id = ''] = /:(?:deliver|retry):(dlv_\w+)-\d+$/.exec(key) ?? [];
        const uuid = toUuid('dlv', id);
        if (uuid !== null && (await redis.exists(key)) === 1 && (await redis.hexists(key, 'finishedOn')) === 0)
          found.push(uuid);
      }
    }
    return found;
  } finally {
    redis.disconnect();
  }
}
