import { createKey, createPortalLink } from '@posthorn/core';
import { afterAll, describe, expect, it } from 'vitest';
import { OPERATIONS_ACCOUNT, openTestApi } from '../api.test-support.js';

const api = await openTestApi();
afterAll(() => api.close());

const path = `/v1/accounts/${OPERATIONS_ACCOUNT}`;
const reserved = { status: 409, code: 'account_reserved', detail: expect.stringContaining('OPERATIONS_ACCOUNT') };

describe('the id in OPERATIONS_ACCOUNT', () => {
  it('is rejected for a tenant, and nothing is stored', async () => {
    for (const body of [{}, { name: 'Posthorn Ltd.' }]) {
      expect((await api.call('PUT', path, { body })).json).toMatchObject(reserved);
    }
    expect((await api.call('GET', path)).status).toBe(404);
  });

  it('creates the operators’ account with operations: true; other ids reject it', async () => {
    const created = await api.call('PUT', path, { body: { operations: true, name: 'Operators' } });
    expect([created.status, created.json.name]).toEqual([201, 'Operators']);
    expect((await api.call('PUT', path, { body: { operations: true } })).status).toBe(200);
    const { status, json } = await api.call('PUT', '/v1/accounts/acme', { body: { operations: true } });
    expect([status, json.errors]).toEqual([422, [{ path: 'operations', message: expect.any(String) }]]);
  });

  it('can have subscriptions, with the operator key', async () => {
    const body = { url: 'https://hooks.example.com/operations', events: ['subscription:*'] };
    expect((await api.call('POST', `${path}/subscriptions`, { body })).status).toBe(201);
  });

  it('has no key and no portal', async () => {
    for (const [what, body] of [
      ['keys', { name: 'a tenant' }],
      ['portal-sessions', {}],
    ] as const) {
      expect((await api.call('POST', `${path}/${what}`, { body })).json).toMatchObject(reserved);
    }
  });

  it('rejects keys and portals of a tenant that had the id before it was reserved', async () => {
    const { db } = api.deps;
    const accountId = OPERATIONS_ACCOUNT;
    const made = await createKey({ db }, { accountId, name: 'old', scopes: ['subscriptions:read'] });
    const key = made.outcome === 'created' ? made.key : '';
    const capabilities = ['subscriptions:read'] as const;
    const link = await createPortalLink(
      { db },
      { accountId, capabilities, lastsSeconds: 60, theme: null, address: '' },
    );
    const opened = await api.call('POST', '/v1/portal-session', { key: null, body: { token: link?.token } });
    for (const token of [key, opened.json.token]) {
      const { status, json } = await api.call('GET', `${path}/subscriptions`, { key: token });
      expect([status, json.code]).toEqual([403, 'forbidden']);
      expect(json.detail).toContain('OPERATIONS_ACCOUNT');
    }
    expect((await api.call('POST', '/v1/session', { key: null, body: { key } })).status).toBe(403);
    expect((await api.call('GET', '/api/event_subscriptions', { key })).status).toBe(403);
  });
});
