import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestApi, type TestApi } from './api.test-support.js';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  const { reader } = api.deps;
  const read = reader.read;
  // Simulates reads from a replica that is 1.25 s behind.
  reader.read = async (work) => ({ ...(await read(work)), lagSeconds: 1.25 });
});
afterAll(() => api.close());

const HEADER = 'Posthorn-Read-Lag-Seconds';

interface Operation {
  operationId: string;
  responses: Record<string, { headers?: Record<string, unknown> }>;
}

it('the OpenAPI document names the read lag for exactly the operations that send it', async () => {
  const account = await api.account();
  const subscription = await api.activeSubscription(account);
  const path = `/v1/accounts/${account}`;
  const { json: event } = await api.call('POST', `${path}/events`, { body: { event: 'message:created', payload: {} } });
  await api.deps.publisher.drain();
  const { json: replay } = await api.call('POST', `${path}/replays`, {
    body: { since: '2020-01-01T00:00:00Z', which: 'failed' },
  });
  const [{ id: delivery }] = (await api.call('GET', `${path}/deliveries`)).json.data;
  const ids: Record<string, string> = {
    account,
    subscription,
    event: event.id,
    delivery,
    replay: replay.id,
    name: 'message:created',
    id: delivery,
  };
  const sent: string[] = [];
  const documented: string[] = [];
  let calls = 0;
  for (const [template, methods] of Object.entries(api.document.paths)) {
    const operation = methods['get'] as Operation | undefined;
    if (!operation) continue;
    const url = template.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? '');
    const { status, headers } = await api.call('GET', url);
    if (status === 200) calls += 1;
    if (headers[HEADER.toLowerCase()] !== undefined) sent.push(operation.operationId);
    if (operation.responses['200']?.headers?.[HEADER] !== undefined) documented.push(operation.operationId);
  }
  expect(calls).toBeGreaterThan(25);
  expect(sent).toContain('deliveries.list');
  expect(documented.toSorted()).toEqual(sent.toSorted());
});

it('the document describes the header by its schema', () => {
  const { components } = api.document as unknown as { components: { headers: Record<string, object> } };
  expect(components.headers[HEADER]).toEqual({
    description: expect.stringContaining('behind'),
    schema: { type: 'number', minimum: 0, examples: [0.4] },
  });
});
