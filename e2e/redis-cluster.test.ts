import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findFreePort, type RedisCluster, startRedisCluster } from '@posthorn/embedded';
import { endProcess, makeScratchFolder, openEndpoint, type Endpoint, startProcess, waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { allowPosthorn, deniedBy, REDIS_PASSWORD } from './redis-acl.js';
import { runDoctor } from './run-cli.js';
import { type Stack, startStack } from './stack.js';

const numbered = (n: number) => `{"event":"message:created","payload":{"n":${n}}}`;
const numbersAt = (endpoint: Endpoint) =>
  new Set(endpoint.events.map(({ rawBody }) => JSON.parse(rawBody.toString()).payload.n as number));

async function readKeys(url: string): Promise<string[]> {
  const client = new Redis(url);
  const keys = await client.keys('*');
  client.disconnect();
  return keys;
}

// Without a Redis on this machine, the run reports it at the end, and CI fails.
describe.runIf(inject('redisUrl') !== null)('on a Redis Cluster of three nodes', () => {
  const folder = makeScratchFolder();
  let cluster: RedisCluster;
  let stack: Stack;
  let endpoint: Endpoint;
  let account: string;
  let published = 0;
  let redis: Record<string, string>;
  beforeAll(async () => {
    const started = await startRedisCluster({ directory: folder });
    if (!started) throw new Error('this machine has no redis-server');
    cluster = started;
    for (const { current } of cluster.nodes) await allowPosthorn(current.url);
    redis = {
      // One of three nodes, which names the others.
      REDIS_CLUSTER_NODES: `127.0.0.1:${cluster.nodes[0]?.port}`,
      REDIS_USERNAME: 'posthorn',
      REDIS_PASSWORD,
      QUEUE_SHARDS: '3',
    };
    stack = await startStack({ backend: 'redis', redis, env: { RETRY_SCHEDULE_SECONDS: '1,1,1' } });
    endpoint = await openEndpoint();
    ({ account } = await stack.subscribe(endpoint.url));
  });
  afterAll(async () => {
    await stack?.stop();
    await endpoint?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function publishMany(count: number): Promise<void> {
    const from = published;
    published += count;
    await Promise.all(Array.from({ length: count }, (_, n) => stack.publish(account, numbered(from + n))));
  }
  const allArrive = () =>
    waitFor(() => numbersAt(endpoint).size === published, { what: `${published} events to arrive` });
  const expireLeases = async () => {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    await client.query(
      `UPDATE pending_deliveries SET due_at = due_at - interval '90 seconds', leased_until = leased_until - interval '90 seconds'`,
    );
    await client.query(`UPDATE due_subscriptions SET due_at = due_at - interval '90 seconds'`);
    await client.end();
  };

  it('doctor inspects every node, and names the one that would delete jobs', async () => {
    const last = cluster.nodes.at(-1);
    const client = new Redis(last?.current.url ?? '');
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const checks = await runDoctor({ DATABASE_URL: stack.databaseUrl, ...redis });
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    client.disconnect();
    expect(checks.find(({ name }) => name === 'Queue')).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('with 3 primaries, QUEUE_SHARDS 3'),
    });
    const memory = checks.filter(({ name }) => name.startsWith('Memory and persistence of Redis'));
    expect(memory).toHaveLength(3);
    expect(memory.filter(({ status }) => status === 'failed')).toEqual([
      expect.objectContaining({
        name: `Memory and persistence of Redis 127.0.0.1:${last?.port}`,
        detail: expect.stringContaining('allkeys-lru'),
      }),
    ]);
  });

  it('delivers first attempts and retries with jobs on all three nodes', async () => {
    endpoint.respondWith(500, 500, 500, 200);
    await publishMany(60);
    await allArrive();
    await waitFor(() => endpoint.events.length >= 63, { what: 'the three retries' });
    // Deliveries that come together share a job, so a few events may all go through one or two nodes.
    await waitFor(
      async () => {
        await publishMany(10);
        const keys = await Promise.all(cluster.nodes.map(({ current }) => readKeys(current.url)));
        return keys.every((ofNode) => ofNode.some((key) => key.endsWith(':deliver:completed')));
      },
      { what: 'a completed job on each node' },
    );
    await allArrive();
    for (const { current } of cluster.nodes)
      expect((await readKeys(current.url)).filter((key) => !key.startsWith('{posthorn:'))).toEqual([]);
  });

  it('sums the shards in metrics and the operators’ API, and shows each on the board', async () => {
    const { queues } = await stack.call<{ queues: { name: string; waiting: number }[] }>('GET', '/v1/queues');
    expect(queues.map(({ name }) => name)).toEqual(['deliver', 'retry', 'verify']);

    const port = String(await findFreePort());
    const url = `http://127.0.0.1:${port}`;
    const password = 'a-horn-in-the-fog';
    const board = await startProcess({
      file: fileURLToPath(new URL('../apps/board/dist/main.js', import.meta.url)),
      env: {
        PATH: process.env['PATH'] ?? '',
        BOARD_PORT: port,
        BOARD_PASSWORD: password,
        ...redis,
      },
      readyUrl: `${url}/readyz`,
    });
    const login = await fetch(`${url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: url },
      body: new URLSearchParams({ password, next: '/' }),
    });
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const read = async (path: string) => (await fetch(url + path, { headers: { cookie } })).json();
    const shown = (await read('/api/queues?activeQueue=deliver-2&status=completed')) as {
      queues: { name: string; counts: { completed: number }; jobs: { id: string }[] }[];
    };
    expect(shown.queues.map(({ name }) => name)).toEqual([
      ...[0, 1, 2].map((shard) => `deliver-${shard}`),
      ...[0, 1, 2].map((shard) => `retry-${shard}`),
      'verify',
    ]);
    const shard = shown.queues.find(({ name }) => name === 'deliver-2');
    expect(shard?.counts.completed).toBeGreaterThan(0);
    expect(await read(`/api/queues/deliver-2/${shard?.jobs[0]?.id}`)).toMatchObject({
      job: { id: shard?.jobs[0]?.id },
    });
    await endProcess(board);
    for (const { current } of cluster.nodes) expect(await deniedBy(current.url)).toEqual([]);
  });

  it('accepts and delivers every event while a node is away and after its return; the health check says why', async () => {
    const [, victim] = cluster.nodes;
    process.kill(victim?.current.pid ?? 0, 'SIGKILL');
    await victim?.current.exited;
    await publishMany(30);
    await waitFor(async () => {
      const response = await fetch(`${stack.apiUrl}/readyz`);
      return response.status === 200 && ((await response.json()) as { status: string }).status === 'degraded';
    });
    await victim?.start();
    if (victim) await allowPosthorn(victim.current.url); // users do not survive a restart
    await allArrive();
    await waitFor(async () => {
      const response = await fetch(`${stack.apiUrl}/readyz`);
      return ((await response.json()) as { status: string }).status === 'ok';
    });
    // The worker continues on every node, with jobs of all shards.
    await publishMany(30);
    await allArrive();
  });

  it('loses nothing when the number of shards decreases and increases while jobs wait', async () => {
    const [worker] = stack.workers.splice(0);
    if (worker) await endProcess(worker);
    await publishMany(40); // they wait in three shards
    await endProcess(stack.api);
    await stack.startApi({ QUEUE_SHARDS: '1' });
    await expireLeases(); // as if a minute had passed
    const narrow = await stack.startWorker({ QUEUE_SHARDS: '1' });
    await allArrive();

    await endProcess(narrow);
    await publishMany(40); // they wait in the first shard
    await endProcess(stack.api);
    await stack.startApi({ QUEUE_SHARDS: '5' });
    await stack.startWorker({ QUEUE_SHARDS: '5' });
    await publishMany(20);
    await allArrive();
  });
});
