import { describe, expect, it } from 'vitest';
import { judgeClock } from './check.js';
import { judgePooler } from './check-database.js';
import { judgeMemory, judgeTopology } from './check-queue.js';

describe('judgePooler', () => {
  it.each([
    ['session', null, 'ok'],
    ['transaction', null, 'failed'],
    ['transaction', 'session', 'ok'],
    ['transaction', 'transaction', 'failed'],
    ['unnamed', 'session', 'failed'],
  ] as const)('%s with a direct URL in mode %s is %s', (pooling, direct, status) => {
    const check = judgePooler(pooling, direct);
    expect(check.status).toBe(status);
    expect(check.fix === null).toBe(status === 'ok');
  });
});

describe('judgeTopology', () => {
  const server = {
    address: '10.0.0.1:6379',
    version: '7.2.4',
    isPrimary: true,
    evictionPolicy: 'noeviction',
    hasAppendOnlyFile: true,
    aheadMs: 0,
  };
  const standalone = { mode: 'standalone', servers: [server] } as const;
  const single = { backend: 'redis', url: 'redis://127.0.0.1' } as const;
  const cluster = (shards: number) => ({
    backend: 'redis' as const,
    shards,
    clusterNodes: [],
    username: null,
    password: null,
    isSecure: false,
  });
  const withServer = (changed: object) => ({ mode: 'cluster' as const, servers: [server, { ...server, ...changed }] });

  it('compares what the server is with what the settings call it', () => {
    expect(judgeTopology({ ...standalone, servers: [server] }, single).status).toBe('ok');
    expect(judgeTopology({ mode: 'cluster', servers: [server] }, single).fix).toContain('REDIS_CLUSTER_NODES');
    expect(judgeTopology({ mode: 'sentinel', servers: [server] }, single).fix).toContain('REDIS_SENTINELS');
    expect(judgeTopology({ ...standalone, servers: [server] }, cluster(4)).fix).toContain('REDIS_URL');
  });

  it('names the server of a Cluster that is a replica or too old, whichever it is', () => {
    const address = '10.0.0.2:6379';
    const replica = judgeTopology(withServer({ address, isPrimary: false }), cluster(8));
    expect(replica).toMatchObject({ status: 'failed', detail: '10.0.0.2:6379 is a replica' });
    const old = judgeTopology(withServer({ address, version: '6.2.0' }), cluster(8));
    expect(old).toMatchObject({ detail: 'Redis 6.2.0 at 10.0.0.2:6379', fix: 'Upgrade to Redis 7 or Valkey.' });
  });

  it('warns of fewer than four shards per primary', () => {
    const three = { mode: 'cluster' as const, servers: [server, server, server] };
    expect(judgeTopology(three, cluster(1)).fix).toContain('QUEUE_SHARDS to 12');
    expect(judgeTopology(three, cluster(12)).status).toBe('ok');
  });
});

it('fails for a policy that deletes jobs, and warns without an append-only file', () => {
  const status = (evictionPolicy: string, hasAppendOnlyFile: boolean) =>
    judgeMemory('Redis', { evictionPolicy, hasAppendOnlyFile }).status;
  expect([status('noeviction', true), status('noeviction', false), status('allkeys-lru', true)]).toEqual([
    'ok',
    'warning',
    'failed',
  ]);
});

it('fails for clocks that differ by more than two seconds', () => {
  expect(judgeClock('Clock', 1_900).status).toBe('ok');
  expect(judgeClock('Clock', -90_000)).toMatchObject({ status: 'failed', detail: '90.0 s behind this machine' });
});
