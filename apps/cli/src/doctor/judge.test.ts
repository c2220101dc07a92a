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
  const report = {
    mode: 'standalone',
    primaries: 1,
    version: '7.2.4',
    isPrimary: true,
    evictionPolicy: 'noeviction',
    hasAppendOnlyFile: true,
    aheadMs: 0,
  } as const;
  const single = { backend: 'redis', url: 'redis://127.0.0.1' } as const;
  const cluster = (shards: number) => ({
    backend: 'redis' as const,
    shards,
    clusterNodes: [],
    username: null,
    password: null,
    isSecure: false,
  });

  it('compares what the server is with what the settings call it', () => {
    expect(judgeTopology(report, single).status).toBe('ok');
    expect(judgeTopology({ ...report, mode: 'cluster' }, single).fix).toContain('REDIS_CLUSTER_NODES');
    expect(judgeTopology({ ...report, mode: 'sentinel' }, single).fix).toContain('REDIS_SENTINELS');
    expect(judgeTopology(report, cluster(4)).fix).toContain('REDIS_URL');
    expect(judgeTopology({ ...report, isPrimary: false }, single).status).toBe('failed');
    expect(judgeTopology({ ...report, version: '6.2.0' }, single).fix).toContain('Redis 7');
  });

  it('warns of fewer than four shards per primary', () => {
    const three = { ...report, mode: 'cluster', primaries: 3 } as const;
    expect(judgeTopology(three, cluster(1)).fix).toContain('QUEUE_SHARDS to 12');
    expect(judgeTopology(three, cluster(12)).status).toBe('ok');
  });
});

it('fails for a policy that deletes jobs, and warns without an append-only file', () => {
  const status = (evictionPolicy: string, hasAppendOnlyFile: boolean) =>
    judgeMemory({ evictionPolicy, hasAppendOnlyFile }).status;
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
