import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUEUE_SETTINGS, readEnv } from '@posthorn/settings';
import { describe, expect, it } from 'vitest';
import { chooseQueue } from './choose-queue.js';

const DATABASE_URL = 'postgres://p';
const choose = (env: NodeJS.ProcessEnv) => chooseQueue(readEnv({ DATABASE_URL, ...env }, QUEUE_SETTINGS));

describe('the queue', () => {
  it('is on Redis if a setting names one, else on Postgres', () => {
    expect(choose({ REDIS_URL: 'redis://r' })).toEqual({ backend: 'redis', url: 'redis://r', shards: 1 });
    expect(choose({})).toEqual({ backend: 'postgres', url: DATABASE_URL });
    expect(choose({ REDIS_URL: 'redis://r', QUEUE_BACKEND: 'postgres' })).toMatchObject({ backend: 'postgres' });
    expect(choose({ QUEUE_BACKEND: 'redis' })).toMatch(/^REDIS_URL is required/);
  });

  it('uses the direct URL on Postgres, since BullMQ needs sessions', () => {
    const direct = { DATABASE_DIRECT_URL: 'postgres://direct' };
    expect(choose(direct)).toEqual({ backend: 'postgres', url: 'postgres://direct' });
  });

  it('can be on a Cluster', () => {
    const found = choose({
      REDIS_CLUSTER_NODES: 'one:7000, [::1]:7001,three',
      REDIS_PASSWORD: 's',
      QUEUE_SHARDS: '12',
    });
    expect(found).toEqual({
      backend: 'redis',
      shards: 12,
      clusterNodes: [
        { host: 'one', port: 7000 },
        { host: '::1', port: 7001 },
        { host: 'three', port: 6379 },
      ],
      username: null,
      password: 's',
      isSecure: false,
    });
  });

  it('can be on a primary behind Sentinels, over TLS', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'posthorn-ca-')), 'ca.pem');
    writeFileSync(file, 'PEM');
    const env = {
      REDIS_SENTINELS: 'one,two:1',
      REDIS_TLS: 'true',
      REDIS_TLS_CA_FILE: file,
      REDIS_SENTINEL_PASSWORD: 's',
    };
    expect(choose(env)).toEqual({
      backend: 'redis',
      shards: 1,
      sentinels: [
        { host: 'one', port: 26379 },
        { host: 'two', port: 1 },
      ],
      primaryName: 'mymaster',
      sentinelUsername: null,
      sentinelPassword: 's',
      username: null,
      password: null,
      isSecure: true,
      ca: 'PEM',
    });
  });

  it.each<[NodeJS.ProcessEnv, string]>([
    [{ REDIS_URL: 'redis://r', REDIS_SENTINELS: 's' }, 'REDIS_URL and REDIS_SENTINELS are both set: keep one.'],
    [{ REDIS_CLUSTER_NODES: 'c', REDIS_SENTINELS: 's' }, 'REDIS_CLUSTER_NODES and REDIS_SENTINELS are both set'],
    [
      { REDIS_URL: 'redis://r', REDIS_PASSWORD: 'p' },
      'REDIS_PASSWORD is for REDIS_CLUSTER_NODES and REDIS_SENTINELS: write',
    ],
    [{ REDIS_URL: 'redis://r', REDIS_USERNAME: 'u' }, 'REDIS_USERNAME is for'],
    [
      { REDIS_URL: 'redis://r', REDIS_TLS: 'true' },
      'REDIS_TLS is for REDIS_CLUSTER_NODES and REDIS_SENTINELS: write rediss://',
    ],
    [{ REDIS_CLUSTER_NODES: 'c', REDIS_USERNAME: 'u' }, 'REDIS_USERNAME needs REDIS_PASSWORD.'],
    [
      { REDIS_CLUSTER_NODES: 'c', REDIS_SENTINEL_PASSWORD: 'p' },
      'REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD are for',
    ],
    [{ REDIS_SENTINELS: 's', REDIS_SENTINEL_USERNAME: 'u' }, 'REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD.'],
    [{ REDIS_URL: 'redis://r', REDIS_TLS_CA_FILE: '/ca' }, 'REDIS_TLS_CA_FILE has no effect without TLS'],
    [
      { REDIS_URL: 'rediss://r', REDIS_TLS_CA_FILE: '/no/ca' },
      'REDIS_TLS_CA_FILE names a file that cannot be read: ENOENT.',
    ],
    [{ QUEUE_SHARDS: '4' }, 'QUEUE_SHARDS applies only to Redis'],
  ])('explains what to change for %j', (env, problem) => {
    const found = choose(env);
    expect(found).toContain(problem);
  });

  it.each(['redis://one:6379', 'user@one', 'one:0', 'one:99999', 'one;two'])(
    'refuses %j as a list of servers',
    (nodes) => {
      expect(() => choose({ REDIS_CLUSTER_NODES: nodes })).toThrow(
        'REDIS_CLUSTER_NODES must be servers such as redis-1:6379',
      );
    },
  );
});
