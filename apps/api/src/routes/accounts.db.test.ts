import { eraseStep } from '@posthorn/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('accounts', () => {
  it('PUT creates with 201, then changes with 200; absent fields stay', async () => {
    const created = await api.call('PUT', '/v1/accounts/acme_1-X', {
      body: { name: 'Acme', metadata: { b: 1, '1': [null] } },
    });
    expect([created.status, created.json]).toEqual([
      201,
      { id: 'acme_1-X', name: 'Acme', metadata: { b: 1, '1': [null] }, createdAt: TIME, updatedAt: TIME },
    ]);
    const changed = await api.call('PUT', '/v1/accounts/acme_1-X', { body: { metadata: {} } });
    expect([changed.status, changed.json.name, changed.json.metadata]).toEqual([200, 'Acme', {}]);
    const emptied = await api.call('PUT', '/v1/accounts/acme_1-X', { body: { name: null } });
    expect([emptied.status, emptied.json.name]).toEqual([200, null]);
    expect((await api.call('GET', '/v1/accounts/acme_1-X')).json).toEqual(emptied.json);
  });

  it('two concurrent PUTs of a new id: one creates, both succeed', async () => {
    const responses = await Promise.all(
      [1, 2, 3, 4].map((n) => api.call('PUT', '/v1/accounts/twins', { body: { name: `n${n}` } })),
    );
    expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 201]);
  });

  it('DELETE returns 202 immediately: its keys fail, and its id is reserved until workers have erased all rows', async () => {
    const before = await api.counts();
    const account = await api.account();
    const path = `/v1/accounts/${account}`;
    const key = await api.key(account);
    await api.activeSubscription(account);
    const event = { event: 'message:created', payload: {} };
    await api.call('POST', `${path}/events`, { key, body: event, headers: { 'idempotency-key': 'k' } });
    await api.deps.publisher.drain();
    await api.work();
    const deleted = await api.call('DELETE', path);
    expect([deleted.status, deleted.json]).toEqual([202, { id: account, deletedAt: TIME, erasedRows: 0 }]);
    expect((await api.call('DELETE', path)).json.deletedAt).toBe(deleted.json.deletedAt);
    expect((await api.call('GET', '/v1/event-types', { key })).status).toBe(401);
    expect((await api.call('GET', path)).status).toBe(404);
    const listed = (await api.call('GET', '/v1/accounts')).json.data.map(({ id }: { id: string }) => id);
    expect(listed).not.toContain(account);
    const taken = await api.call('PUT', path, { body: {} });
    expect([taken.status, taken.json.code]).toEqual([409, 'account_erasing']);

    while ((await eraseStep(api.deps.db.pool)) !== null);
    expect(await api.counts()).toEqual(before);
    expect((await api.call('DELETE', path)).status).toBe(404);
    expect((await api.call('PUT', path, { body: {} })).status).toBe(201);
  });
});

describe('keys', () => {
  it('the key is returned once; the list shows when it was last used, but not the key', async () => {
    const account = await api.account();
    const created = await api.call('POST', `/v1/accounts/${account}/keys`, {
      body: { name: 'CI', scopes: ['events:read', 'events:read'] },
    });
    expect([created.status, created.json]).toEqual([
      201,
      {
        id: expect.stringMatching(/^key_/),
        name: 'CI',
        scopes: ['events:read'],
        createdAt: TIME,
        key: expect.stringMatching(/^.{40,}$/),
      },
    ]);
    const listed = async () => (await api.call('GET', `/v1/accounts/${account}/keys`)).json.data;
    const { key, ...shown } = created.json;
    expect(await listed()).toEqual([{ ...shown, lastUsedAt: null }]);
    await api.call('GET', `/v1/accounts/${account}/events`, { key });
    expect(await listed()).toEqual([{ ...shown, lastUsedAt: TIME }]);
    expect(api.logged.join('')).not.toContain(key);
  });

  it('a key without given scopes has all scopes', async () => {
    const account = await api.account();
    const { json } = await api.call('POST', `/v1/accounts/${account}/keys`, { body: { name: 'all' } });
    expect(json.scopes).toHaveLength(7);
  });

  it('a revoked key fails with the next request (X9)', async () => {
    const account = await api.account();
    const key = await api.key(account);
    const [{ id }] = (await api.call('GET', `/v1/accounts/${account}/keys`)).json.data;
    expect((await api.call('GET', `/v1/accounts/${account}/events`, { key })).status).toBe(200);
    expect((await api.call('DELETE', `/v1/accounts/${account}/keys/${id}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/accounts/${account}/events`, { key })).status).toBe(401);
    expect((await api.call('DELETE', `/v1/accounts/${account}/keys/${id}`)).status).toBe(404);
  });
});

describe('event types', () => {
  it('the three types of the chat app exist from the start, each with an example', async () => {
    const { json } = await api.call('GET', '/v1/event-types');
    const names = json.data.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['message:created', 'conversation:created', 'conversation:updated']));
    expect(json.data.every(({ example }: { example: unknown }) => example !== null)).toBe(true);
  });

  it('PUT creates with 201 and replaces with 200; the type can be published immediately', async () => {
    const account = await api.account();
    const publish = () =>
      api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'customer:merged', payload: {} } });
    expect((await publish()).status).toBe(422);
    const entry = { description: 'Merged.', example: { id: 'c_1' }, schema: { type: 'object' }, deprecated: true };
    const added = await api.call('PUT', '/v1/event-types/customer:merged', { body: entry });
    expect([added.status, added.json]).toEqual([
      201,
      {
        name: 'customer:merged',
        ...entry,
        schemaVersion: 1,
        enforcement: 'off',
        operational: false,
        subscriptionCount: 0,
        createdAt: TIME,
        updatedAt: TIME,
      },
    ]);
    expect((await publish()).status).toBe(202);
    const changed = await api.call('PUT', '/v1/event-types/customer:merged', { body: {} });
    expect([changed.status, changed.json]).toMatchObject([
      200,
      { description: null, example: null, schema: null, schemaVersion: null, deprecated: false },
    ]);
    expect((await api.call('GET', '/v1/event-types/customer:merged')).json).toEqual(changed.json);
  });

  it('a page ends before its examples and schemas exceed 1 MiB; paging returns each type once', async () => {
    const document = { text: 'x'.repeat(250 * 1024) };
    const large = ['large:1', 'large:2', 'large:3', 'large:4'];
    for (const name of large) {
      await api.call('PUT', `/v1/event-types/${name}`, {
        body: { example: document, schema: { title: document.text } },
      });
    }
    const names: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await api.call('GET', `/v1/event-types?limit=100${cursor && `&cursor=${cursor}`}`);
      expect(page.text.length).toBeLessThan(1.1 * 1024 * 1024);
      names.push(...page.json.data.map(({ name }: { name: string }) => name));
      cursor = page.json.nextCursor;
    }
    expect(names.filter((name) => large.includes(name))).toEqual(large.toReversed());
    expect(names).toHaveLength(new Set(names).size);
    expect(names).toContain('message:created');
    for (const name of large) await api.call('DELETE', `/v1/event-types/${name}`);
  });

  it('DELETE: the type can no longer be published; published events stay', async () => {
    const account = await api.account();
    await api.call('PUT', '/v1/event-types/short:lived', { body: {} });
    const { json } = await api.call('POST', `/v1/accounts/${account}/events`, {
      body: { event: 'short:lived', payload: {} },
    });
    expect((await api.call('DELETE', '/v1/event-types/short:lived')).status).toBe(204);
    expect(
      (await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'short:lived', payload: {} } })).json
        .code,
    ).toBe('unknown_event_type');
    expect((await api.call('GET', `/v1/accounts/${account}/events/${json.id}`)).status).toBe(200);
    expect((await api.call('DELETE', '/v1/event-types/short:lived')).status).toBe(404);
    expect((await api.call('GET', '/v1/event-types/short:lived')).status).toBe(404);
  });
});
