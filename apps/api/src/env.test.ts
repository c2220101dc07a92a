import { expect, it } from 'vitest';
import { readApiEnv } from './env.js';

const good = {
  DATABASE_URL: 'postgres://u:p@localhost/db',
  POSTHORN_OPERATOR_KEY: 'Yb3kq0vTn5Wf8sLr2cXhJ7mP',
  POSTHORN_ENCRYPTION_KEY: '3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=',
};

it('uses Redis as the queue if it is configured, else Postgres', () => {
  expect(readApiEnv(good).queue).toEqual({ backend: 'postgres', url: good.DATABASE_URL });
  expect(readApiEnv({ ...good, REDIS_URL: 'redis://r' }).queue).toEqual({
    backend: 'redis',
    url: 'redis://r',
    shards: 1,
  });
  expect(readApiEnv({ ...good, REDIS_URL: 'redis://r', QUEUE_BACKEND: 'postgres' }).queue.backend).toBe('postgres');
});

it('rejects QUEUE_BACKEND=redis without REDIS_URL', () => {
  expect(() => readApiEnv({ ...good, QUEUE_BACKEND: 'redis' })).toThrow('REDIS_URL is required');
});

it('throws without its keys, and names all missing settings at once (X9)', () => {
  expect(() => readApiEnv({})).toThrow(/DATABASE_URL[\s\S]*POSTHORN_OPERATOR_KEY[\s\S]*POSTHORN_ENCRYPTION_KEY/);
});

it('blocks private networks and requires https by default', () => {
  const { allowPrivate, requireHttps } = readApiEnv(good).addresses;
  expect([allowPrivate.hasAddress('127.0.0.1'), allowPrivate.hasName('localhost'), requireHttps]).toEqual([
    false,
    false,
    true,
  ]);
});

it('applies DENY_NETWORKS and PUBLIC_URL to URLs, and names the setting of an invalid entry', () => {
  const { deny, ownUrl } = readApiEnv({
    ...good,
    DENY_NETWORKS: '8.8.8.0/24',
    PUBLIC_URL: 'https://p.example.com',
  }).addresses;
  expect([deny.hasAddress('8.8.8.8'), ownUrl?.host]).toEqual([true, 'p.example.com']);
  expect(() => readApiEnv({ ...good, DENY_NETWORKS: '*.10.0.0.0' })).toThrow(/DENY_NETWORKS/);
});

it('allows an account 100,000 subscriptions, and no more', () => {
  const most = (count: string) => readApiEnv({ ...good, MAX_SUBSCRIPTIONS_PER_ACCOUNT: count });
  expect(most('100000').maxSubscriptionsPerAccount).toBe(100_000);
  expect(() => most('100001')).toThrow(/MAX_SUBSCRIPTIONS_PER_ACCOUNT/);
});

it('lists unknown settings', () => {
  expect(readApiEnv({ ...good, POSTHORN_OPERATER_KEY: 'typo' }).unknown).toEqual(['POSTHORN_OPERATER_KEY']);
});
