import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

const put = (name: string, body: object) => api.call('PUT', `/v1/event-types/${name}`, { body });
const get = async (name: string) => (await api.call('GET', `/v1/event-types/${name}`)).json;

const INVOICE = {
  type: 'object',
  required: ['id', 'lines'],
  properties: {
    id: { type: 'string', pattern: '^in_' },
    lines: { type: 'array', items: { type: 'object', properties: { amount: { type: 'integer' } } } },
  },
};
const GOOD = { id: 'in_1', lines: [{ amount: 1 }] };
const BAD = { id: 'in_1', lines: [{ amount: 1 }, { amount: '2' }] };

describe('schemas of event types', () => {
  it('counts versions, lists them newest first, and pages', async () => {
    expect((await put('invoice:a', { schema: INVOICE })).json).toMatchObject({ schemaVersion: 1, enforcement: 'off' });
    expect((await put('invoice:a', { schema: INVOICE, description: 'New.' })).json.schemaVersion).toBe(1);
    expect((await put('invoice:a', { schema: { type: 'object' } })).json.schemaVersion).toBe(2);
    const first = await api.call('GET', '/v1/event-types/invoice:a/schemas?limit=1');
    expect(first.json.data).toEqual([{ version: 2, schema: { type: 'object' }, createdAt: expect.any(String) }]);
    const next = await api.call('GET', `/v1/event-types/invoice:a/schemas?limit=1&cursor=${first.json.nextCursor}`);
    expect(next.json).toMatchObject({ data: [{ version: 1, schema: INVOICE }], nextCursor: null });
    await api.call('DELETE', '/v1/event-types/invoice:a');
    expect((await api.call('GET', '/v1/event-types/invoice:a/schemas')).status).toBe(404);
    expect((await put('invoice:a', { schema: INVOICE })).json.schemaVersion).toBe(3);
    expect((await api.call('GET', '/v1/event-types/no:such/schemas')).status).toBe(404);
  });

  it('shows account keys the versions, but not those of types for operators only', async () => {
    const key = await api.key(await api.account());
    await put('invoice:shown', { schema: INVOICE });
    expect((await api.call('GET', '/v1/event-types/invoice:shown/schemas', { key })).json.data).toHaveLength(1);
    expect((await api.call('GET', '/v1/event-types/subscription:recovered/schemas', { key })).status).toBe(404);
  });

  it('a schema that is not one is a 422 that names the place and keeps the type as it was', async () => {
    const before = (await put('invoice:b', { schema: INVOICE, description: 'Paid.' })).json;
    const { status, json } = await put('invoice:b', { schema: { properties: { id: { type: 'text' } } } });
    expect([status, json.code, json.errors]).toEqual([
      422,
      'invalid_request',
      [{ path: 'schema', message: expect.stringMatching(/^at \/properties\/id\/type must be one of "array", /) }],
    ]);
    const example = await put('invoice:b', { schema: INVOICE, example: BAD, enforcement: 'reject' });
    expect([example.status, example.json.errors]).toEqual([
      422,
      [
        {
          path: 'example',
          message: 'at /lines/1/amount must be a whole number: it must match the schema while that is enforced',
        },
      ],
    ]);
    expect(await get('invoice:b')).toEqual(before);
  });

  it('refuses an event that does not match with its path and version, and stores nothing of its batch', async () => {
    const account = await api.account();
    await put('invoice:c', { schema: INVOICE, example: GOOD, enforcement: 'reject' });
    const publish = (payload: object) =>
      api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'invoice:c', payload } });
    expect((await publish(GOOD)).status).toBe(202);
    const { status, json } = await publish(BAD);
    expect({ status, ...json }).toMatchObject({
      status: 422,
      code: 'schema_mismatch',
      errors: [
        { path: 'payload.lines[1].amount', message: 'must be a whole number (version 1 of the schema of invoice:c)' },
      ],
    });
    const batch = await api.call('POST', `/v1/accounts/${account}/events/batch`, {
      body: { events: [GOOD, { id: 'x', lines: [] }].map((payload) => ({ event: 'invoice:c', payload })) },
    });
    expect([batch.status, batch.json.errors]).toEqual([
      422,
      [{ path: 'events[1].payload.id', message: 'must match the pattern ^in_ (version 1 of the schema of invoice:c)' }],
    ]);
    expect((await api.call('GET', `/v1/accounts/${account}/events`)).json.data).toHaveLength(1);
  });

  it('test events send the example, and their own payload is not refused', async () => {
    const account = await api.account();
    const id = await api.activeSubscription(account);
    await put('invoice:d', { schema: INVOICE, example: GOOD, enforcement: 'reject' });
    const test = (body: object) => api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/test`, { body });
    expect((await test({ event: 'invoice:d' })).status).toBe(202);
    expect((await test({ event: 'invoice:d', payload: BAD })).status).toBe(202);
  });

  it('imports the webhooks of an OpenAPI document: all or none, and again without a change', async () => {
    const post = (schema: object) => ({
      post: { summary: 'Paid.', requestBody: { content: { 'application/json': { schema } } } },
    });
    const document = {
      openapi: '3.1.0',
      info: { title: 'Acme', version: '1' },
      webhooks: { 'import:a': post({ $ref: '#/components/schemas/Invoice' }), 'import:b': post({ type: 'object' }) },
      components: { schemas: { Invoice: INVOICE } },
    };
    const run = async (body: object, query = '') => {
      const { status, json } = await api.call('POST', `/v1/event-types/import${query}`, { body });
      return { status, ...json };
    };
    const fresh = { created: ['import:a', 'import:b'], updated: [], unchanged: [], refused: [] };
    expect(await run(document, '?dryRun=true')).toEqual({ status: 200, dryRun: true, ...fresh });
    expect((await get('import:a')).code).toBe('not_found');
    expect(await run(document)).toEqual({ status: 201, dryRun: false, ...fresh });
    expect(await get('import:a')).toMatchObject({
      description: 'Paid.',
      schema: { $ref: '#/$defs/Invoice', $defs: { Invoice: INVOICE } },
      schemaVersion: 1,
      enforcement: 'off',
    });
    expect(await run(document)).toMatchObject({ created: [], unchanged: ['import:a', 'import:b'] });

    // An enforced type stays enforced, so its example has to match the imported schema.
    const { schema } = await get('import:a');
    await put('import:a', { description: 'Paid.', schema, example: GOOD, enforcement: 'reject' });
    const changed = {
      ...document,
      webhooks: { ...document.webhooks, 'import:b': post({ type: 'object', title: 'B' }), 'a b': {} },
    };
    const stricter = { ...changed, components: { schemas: { Invoice: { ...INVOICE, required: ['total'] } } } };
    expect(await run(stricter, '?dryRun=true')).toMatchObject({
      updated: ['import:b'],
      refused: [
        { name: 'a b', reason: expect.stringContaining('its key must be') },
        { name: 'import:a', reason: 'its schema is enforced, and example.total is required' },
      ],
    });
    expect(await run(stricter)).toMatchObject({
      status: 422,
      errors: [{ path: 'webhooks.a b' }, { path: 'webhooks.import:a' }],
    });
    expect(await get('import:b')).toMatchObject({ schema: { type: 'object' }, schemaVersion: 1 });

    const { data } = (await api.call('GET', '/v1/audit?action=eventTypes.import')).json;
    expect(data.map(({ changes }: { changes: object }) => changes)).toEqual([
      { created: { to: [] }, updated: { to: [] } },
      { created: { to: ['import:a', 'import:b'] }, updated: { to: [] } },
    ]);
  });
});
