import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { inspectRedis } from './inspect-redis.js';

const url = inject('redisUrl') ?? '';

describe.skipIf(url === '')('inspectRedis', () => {
  it('reports the topology, what happens when memory is full, and the difference of the clocks', async () => {
    const report = await inspectRedis({ backend: 'redis', url });
    expect(report).toMatchObject({
      mode: 'standalone',
      servers: [{ address: new URL(url).host, isPrimary: true }],
    });
    const redis = new Redis(url);
    const [, policy] = (await redis.config('GET', 'maxmemory-policy')) as [string, string];
    redis.disconnect();
    expect(report.servers[0]?.evictionPolicy).toBe(policy);
    const behind = await inspectRedis({ backend: 'redis', url }, () => Date.now() - 3_600_000);
    expect(Math.round((behind.servers[0]?.aheadMs ?? 0) / 60_000)).toBe(60);
  });
});

it('throws with the cause if the server does not respond', async () => {
  await expect(inspectRedis({ backend: 'redis', url: 'redis://127.0.0.1:1' })).rejects.toThrow('ECONNREFUSED');
});
