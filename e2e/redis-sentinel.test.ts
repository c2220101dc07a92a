import { rmSync } from 'node:fs';
import { startRedisSentinels } from '@posthorn/embedded';
import { makeScratchFolder, openEndpoint, waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { allowPosthorn, deniedBy, REDIS_PASSWORD } from './redis-acl.js';
import { runDoctor } from './run-cli.js';
import { startStack } from './stack.js';

const numbered = (n: number) => `{"event":"message:created","payload":{"n":${n}}}`;

// Without a Redis on this machine, the run reports it at the end, and CI fails.
describe.runIf(inject('redisUrl') !== null)('on a primary behind Sentinels', () => {
  it('continues automatically with the replica when the primary dies under load, and delivers each accepted event, as the ACL user of docs/operate.md', async () => {
    const folder = makeScratchFolder();
    const sentinels = await startRedisSentinels({ directory: folder });
    if (!sentinels) throw new Error('this machine has no redis-server');
    for (const { current } of sentinels.servers) await allowPosthorn(current.url);
    const settings = {
      REDIS_SENTINELS: sentinels.ports.map((port) => `127.0.0.1:${port}`).join(),
      REDIS_SENTINEL_NAME: sentinels.name,
      REDIS_USERNAME: 'posthorn',
      REDIS_PASSWORD,
    };
    const stack = await startStack({ backend: 'redis', redis: settings, env: { RETRY_SCHEDULE_SECONDS: '1,1,1' } });
    const checks = await runDoctor({ DATABASE_URL: stack.databaseUrl, ...settings });
    expect(checks.find(({ name }) => name === 'Queue')).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining('Redis behind Sentinels'),
    });
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    const arrived = () =>
      new Set(endpoint.events.map(({ rawBody }) => JSON.parse(rawBody.toString()).payload.n as number));

    // Publishes events before, during and after the failover.
    let published = 0;
    const over = new AbortController();
    const load = (async () => {
      while (!over.signal.aborted) {
        await Promise.all(Array.from({ length: 5 }, () => stack.publish(account, numbered(published++))));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    await waitFor(() => arrived().size >= 50);
    const old = await sentinels.findPrimary();
    expect(await deniedBy(old.current.url)).toEqual([]);
    process.kill(old.current.pid, 'SIGKILL');
    await old.current.exited;
    const next = await waitFor(
      async () => {
        const found = await sentinels.findPrimary();
        return found !== old && found;
      },
      { what: 'the Sentinels to name the replica' },
    );
    // Events published from here on use the new primary.
    const from = published;
    await waitFor(() => [...arrived()].filter((n) => n >= from).length >= 50, {
      what: 'events through the new primary',
    });
    over.abort();
    await load;
    await waitFor(() => arrived().size === published, { what: `${published} events to arrive` });

    const redis = new Redis(next.current.url);
    expect(await redis.keys('{posthorn:0}:deliver:*')).not.toEqual([]);
    expect(String(await redis.client('LIST'))).toContain('user=posthorn');
    redis.disconnect();
    await waitFor(
      async () => ((await (await fetch(`${stack.apiUrl}/readyz`)).json()) as { status: string }).status === 'ok',
    );
    expect(await deniedBy(next.current.url)).toEqual([]);
    await stack.stop();
    await endpoint.close();
    await sentinels.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});
