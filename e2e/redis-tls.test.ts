import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type EmbeddedRedis,
  findFreePort,
  startRedis,
  startRedisCluster,
  startRedisSentinels,
} from '@posthorn/embedded';
import { makeCertificate, makeScratchFolder, openEndpoint, waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { allowPosthorn, deniedBy, REDIS_PASSWORD } from './redis-acl.js';
import { type Stack, startStack } from './stack.js';

// Without a Redis on this machine, the run reports it at the end, and CI fails.
const hasRedis = inject('redisUrl') !== null;
const folder = makeScratchFolder();
const file = (name: string) => join(folder, name);
const tls = { key: file('key.pem'), cert: file('cert.pem') };
beforeAll(() => {
  const { key, cert } = makeCertificate();
  writeFileSync(tls.key, key, { mode: 0o600 });
  writeFileSync(tls.cert, cert);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(hasRedis)('on a Redis over TLS, with the ACL user of docs/operate.md', () => {
  let server: EmbeddedRedis;
  let url: string;
  beforeAll(async () => {
    const port = await findFreePort();
    const started = await startRedis({
      directory: file('redis'),
      settings: {
        'tls-port': String(port),
        'tls-key-file': tls.key,
        'tls-cert-file': tls.cert,
        'tls-auth-clients': 'no',
      },
      log: () => undefined,
    });
    if (!started) throw new Error('this machine has no redis-server');
    server = started;
    url = `rediss://posthorn:${REDIS_PASSWORD}@localhost:${port}`;
    await allowPosthorn(server.url);
  });
  afterAll(async () => {
    await server?.stop();
  });

  it('supports first attempts, retries, a flush, health and metrics without denied commands (X14)', async () => {
    const stack = await startStack({
      backend: 'redis',
      redis: { REDIS_URL: url, REDIS_TLS_CA_FILE: tls.cert },
      env: { RETRY_SCHEDULE_SECONDS: '1,1,1' },
    });
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(500, 200);
    const publish = () => stack.publish(account, '{"event":"message:created","payload":{}}');
    for (let n = 0; n < 10; n += 1) await publish();
    await waitFor(() => endpoint.events.length >= 11, { what: 'ten events and one retry' });
    const admin = new Redis(server.url);
    await admin.flushall();
    const { id } = await publish();
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');

    await waitFor(async () => {
      const health = await (await fetch(`${stack.apiUrl}/readyz`)).json();
      expect(health).toMatchObject({ status: 'ok' });
      return true;
    });
    await stack.call('GET', '/v1/queues');
    expect(await deniedBy(server.url)).toEqual([]);
    // The connections use this user, over TLS.
    const clients = String(await admin.client('LIST'));
    expect(clients).toContain('user=posthorn');
    admin.disconnect();
    await stack.stop();
    await endpoint.close();
  });

  it('sends nothing to it without its certificate authority, and names the setting in the health check (X14)', async () => {
    const stack = await startStack({ backend: 'redis', redis: { REDIS_URL: url }, workers: 0 });
    await waitFor(async () => {
      const health = JSON.stringify(await (await fetch(`${stack.apiUrl}/readyz`)).json());
      return health.includes('REDIS_TLS_CA_FILE');
    });
    await stack.stop();
  });
});

const startWith = (redis: Record<string, string>): Promise<Stack> =>
  startStack({
    backend: 'redis',
    redis: { ...redis, REDIS_TLS: 'true', REDIS_TLS_CA_FILE: tls.cert },
    env: { RETRY_SCHEDULE_SECONDS: '1,1,1' },
  });

/** Publishes events of which one needs a retry, and waits until all are delivered. */
async function deliver(stack: Stack): Promise<void> {
  const endpoint = await openEndpoint();
  const { account } = await stack.subscribe(endpoint.url);
  endpoint.respondWith(500, 200);
  for (let n = 0; n < 10; n += 1) await stack.publish(account, '{"event":"message:created","payload":{}}');
  await waitFor(() => endpoint.events.length >= 11, { what: 'ten events and one retry' });
  await waitFor(async () => {
    const health = await (await fetch(`${stack.apiUrl}/readyz`)).json();
    return (health as { status: string }).status === 'ok';
  });
  await endpoint.close();
}

it.runIf(hasRedis)('delivers and retries on a Cluster over TLS, whose nodes announce host names', async () => {
  const cluster = await startRedisCluster({ directory: file('cluster'), tls });
  if (!cluster) throw new Error('this machine has no redis-server');
  for (const { current } of cluster.nodes) await allowPosthorn(current.url);
  const stack = await startWith({
    REDIS_CLUSTER_NODES: `localhost:${cluster.nodes[0]?.tlsPort}`,
    REDIS_USERNAME: 'posthorn',
    REDIS_PASSWORD,
    QUEUE_SHARDS: '3',
  });
  await deliver(stack);
  await stack.stop();
  for (const { current } of cluster.nodes) expect(await deniedBy(current.url)).toEqual([]);
  await cluster.stop();
});

it.runIf(hasRedis)('delivers and retries through Sentinels over TLS, also after a failover', async () => {
  const sentinels = await startRedisSentinels({ directory: file('sentinels'), tls });
  if (!sentinels) throw new Error('this machine has no redis-server');
  const stack = await startWith({
    REDIS_SENTINELS: sentinels.tlsPorts.map((port) => `localhost:${port}`).join(),
    REDIS_SENTINEL_NAME: sentinels.name,
  });
  await deliver(stack);
  const old = await sentinels.findPrimary();
  process.kill(old.current.pid, 'SIGKILL');
  await old.current.exited;
  await waitFor(async () => (await sentinels.findPrimary()) !== old, { what: 'the Sentinels to name the replica' });
  await deliver(stack);
  await stack.stop();
  await sentinels.stop();
});
