import { type Endpoint, openEndpoint } from '@posthorn/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkEndpoint } from './check-endpoint.js';

let endpoint: Endpoint;
beforeEach(async () => {
  endpoint = await openEndpoint();
});
afterEach(() => endpoint.close());

const rules = {
  allowPrivateNetworks: '127.0.0.0/8',
  denyNetworks: 'none',
  extraCaCerts: null,
  requireHttps: false,
  publicUrl: null,
  deliveryTimeoutMs: 30_000,
};

it('waits as long as a worker would', async () => {
  endpoint.respondToHandshakeWith('never');
  const check = await checkEndpoint(endpoint.url, { ...rules, deliveryTimeoutMs: 100 }, '0');
  expect(check).toMatchObject({ status: 'failed', detail: 'timeout' });
});

it('refuses what workers refuse', async () => {
  const blocked = await checkEndpoint(endpoint.url, { ...rules, allowPrivateNetworks: 'none' }, '0');
  expect(blocked).toMatchObject({ status: 'failed', detail: 'blocked' });
  expect(await checkEndpoint(endpoint.url, { ...rules, requireHttps: true }, '0')).toMatchObject({ detail: 'blocked' });
  expect(endpoint.requests).toEqual([]);
  expect(await checkEndpoint(endpoint.url, rules, '0')).toMatchObject({ status: 'ok' });
});
