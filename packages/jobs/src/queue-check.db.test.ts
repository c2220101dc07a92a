import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterNode, type EmbeddedRedis, startRedis, startRedisCluster } from '@posthorn/embedded';
import { cloneDatabase } from '@posthorn/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { QueueConnection } from './backend.js';
import { openProducer, type QueueCheck } from './producer.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The health check of a queue, and whether enqueueing works there. */
async function ask(connection: QueueConnection): Promise<{ check: QueueCheck; isEnqueued: boolean }> {
  const producer = openProducer(connection, { log: silent });
  try {
    const check = await producer.check();
    const isEnqueued = await producer.enqueue('deliver', [
      { id: '01890a5d-ac96-774b-bcce-b302099a8057', attemptNumber: 1 },
    ]);
    return { check, isEnqueued };
  } finally {
    await producer.close();
  }
}
const failed = (reason: string) => ({
  check: { status: 'fail', latencyMs: expect.any(Number), reason },
  isEnqueued: false,
});
const works = { check: { status: 'ok', latencyMs: expect.any(Number) }, isEnqueued: true };

describe.runIf(inject('redisUrl') !== null)('a Redis that responds to a ping', () => {
  // A separate server, since these tests change its settings.
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-queue-check-'));
  let server: EmbeddedRedis;
  let redis: Redis;
  beforeAll(async () => {
    server = await start('single');
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(name: string, settings: Record<string, string> = {}): Promise<EmbeddedRedis> {
    const started = await startRedis({ directory: join(folder, name), settings, log: () => {} });
    if (!started) throw new Error('this machine has no redis-server');
    return started;
  }
  const askServer = () => ask({ backend: 'redis', url: server.url });

  it('fails while it is out of memory, and is ok again afterwards', async () => {
    await redis.config('SET', 'maxmemory', '1');
    expect(await askServer()).toEqual(failed('Redis is out of memory: raise its maxmemory'));
    await redis.config('SET', 'maxmemory', '0');
    expect(await askServer()).toEqual(works);
  });

  it('fails while it is a read-only replica, and is ok again once it is promoted', async () => {
    await redis.replicaof('127.0.0.1', 1);
    expect(await askServer()).toEqual(failed('Redis is a read-only replica: REDIS_URL must name the primary'));
    await redis.replicaof('NO', 'ONE');
    expect(await askServer()).toEqual(works);
  });

  it.each([
    ['may not run scripts', ['~*', '+@all', '-@scripting']],
    ['may write other keys only', ['~other:*', '+@all']],
  ])('fails for a user that %s', async (_, rules) => {
    await redis.acl('SETUSER', 'limited', 'reset', 'on', '>secret', '&*', ...rules);
    const url = new URL(server.url);
    Object.assign(url, { username: 'limited', password: 'secret' });
    expect(await ask({ backend: 'redis', url: url.href })).toEqual(
      failed('the Redis user lacks permissions: see the ACL line in docs/operate.md'),
    );
  });
});

describe.runIf(inject('redisUrl') !== null)('a Redis Cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-queue-check-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('works with REDIS_CLUSTER_NODES on every shard; with REDIS_URL, the health check says which setting to use', async () => {
    const cluster = await startRedisCluster({ directory: folder });
    if (!cluster) throw new Error('this machine has no redis-server');
    const [{ port }] = cluster.nodes as [ClusterNode];
    const access = { username: null, password: null, isSecure: false };
    const clusterNodes = [{ host: '127.0.0.1', port }];
    expect(await ask({ backend: 'redis', clusterNodes, shards: 6, ...access })).toEqual(works);
    // One of the three nodes has the queue's keys.
    const asked = await Promise.all(
      cluster.nodes.map(async ({ current }) => (await ask({ backend: 'redis', url: current.url })).check),
    );
    expect(asked.filter(({ status }) => status === 'fail')).toEqual([
      failed('Redis runs as a cluster: name its nodes in REDIS_CLUSTER_NODES instead of REDIS_URL').check,
      failed('Redis runs as a cluster: name its nodes in REDIS_CLUSTER_NODES instead of REDIS_URL').check,
    ]);
    await cluster.stop();
  });
});

describe('a Postgres that responds', () => {
  it('fails while it is read-only, and while the tables of the queue are missing', async () => {
    const database = await cloneDatabase(inject('templateDatabaseUrl'));
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const askDatabase = () => ask({ backend: 'postgres', url: database.url });
    expect(await askDatabase()).toEqual(works);

    const name = new URL(database.url).pathname.slice(1);
    await client.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
    expect(await askDatabase()).toEqual(failed('Postgres is read-only: the database URL must name the primary'));
    await client.query(`ALTER DATABASE "${name}" RESET default_transaction_read_only`);

    await client.query('ALTER SCHEMA bullmq RENAME TO elsewhere');
    expect(await askDatabase()).toEqual(failed('the tables of the queue are missing: run the migrations'));
    await client.end();
    await database.drop();
  });
});
