import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedRedis, findFreePort, startRedis } from '@posthorn/embedded';
import { makeCertificate, makeScratchFolder, openReceiver, waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { allowPosthorn, deniedBy, REDIS_PASSWORD } from './redis-acl.js';
import { startStack } from './stack.js';

// Without a Redis on this machine, the run reports it at the end, and CI fails.
describe.runIf(inject('redisUrl') !== null)('on a Redis over TLS, with the ACL user of OPERATIONS.md', () => {
  const folder = makeScratchFolder();
  const file = (name: string) => join(folder, name);
  let server: EmbeddedRedis;
  let url: string;
  beforeAll(async () => {
    const { key, cert } = makeCertificate();
    writeFileSync(file('key.pem'), key, { mode: 0o600 });
    writeFileSync(file('cert.pem'), cert);
    const port = await findFreePort();
    const started = await startRedis({
      directory: file('redis'),
      settings: {
        'tls-port': String(port),
        'tls-key-file': file('key.pem'),
        'tls-cert-file': file('cert.pem'),
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
    rmSync(folder, { recursive: true, force: true });
  });

  it('supports first attempts, retries, a flush, health and metrics without denied commands (X14)', async () => {
    const stack = await startStack({
      backend: 'redis',
      redis: { REDIS_URL: url, REDIS_TLS_CA_FILE: file('cert.pem') },
      env: { RETRY_SCHEDULE_SECONDS: '1,1,1' },
    });
    const receiver = await openReceiver();
    const { account } = await stack.subscribe(receiver.url);
    receiver.answer(500, 200);
    const publish = () => stack.publish(account, '{"event":"message:created","payload":{}}');
    for (let n = 0; n < 10; n += 1) await publish();
    await waitFor(() => receiver.events.length >= 11, { what: 'ten events and one retry' });
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
    await receiver.close();
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
