import { expect, it } from 'vitest';
import { readWorkerEnv } from './env.js';

const good = {
  DATABASE_URL: 'postgres://u:p@localhost/db',
  POSTHORN_ENCRYPTION_KEY: '3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=',
};

it('builds the address policy from ALLOW_PRIVATE_NETWORKS, DENY_NETWORKS, REQUIRE_HTTPS and PUBLIC_URL', () => {
  const env = {
    ALLOW_PRIVATE_NETWORKS: '10.0.0.0/8',
    DENY_NETWORKS: '10.9.0.0/16',
    PUBLIC_URL: 'https://p.example.com',
  };
  const { allowPrivate, deny, requireHttps, ownUrl } = readWorkerEnv({ ...good, ...env }).addresses;
  expect([allowPrivate.hasAddress('10.1.1.1'), deny.hasAddress('10.9.1.1')]).toEqual([true, true]);
  expect([requireHttps, ownUrl?.host]).toEqual([true, 'p.example.com']);
});

it('names a setting that cannot be parsed', () => {
  expect(() => readWorkerEnv({ ...good, DENY_NETWORKS: '10.0.0.0/33' })).toThrow(/DENY_NETWORKS/);
});
