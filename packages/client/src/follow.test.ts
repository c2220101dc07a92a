import { type Endpoint, openEndpoint, type ScriptedResponse } from '@posthorn/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Followed } from './follow.js';
import { Posthorn } from './posthorn.js';

let server: Endpoint;
let posthorn: Posthorn;
beforeEach(async () => {
  server = await openEndpoint();
  posthorn = new Posthorn({ url: server.url, apiKey: 'key', maxAttempts: 1 });
});
afterEach(() => server.close());

/** A stream with these deliveries that ends afterwards. */
const stream = (...ids: string[]): ScriptedResponse => ({
  headers: { 'content-type': 'text/event-stream' },
  body: ids.map((id) => `id: ${id}\nevent: delivery\ndata: {"id":"${id}"}\n\n`).join(''),
});
const refusal = (status: number, code: string): ScriptedResponse => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ code, status, detail: 'No.', errors: [], requestId: 'r' }),
});

async function collect(count: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const item of posthorn.deliveries.follow('acme', { subscription: ['sub_1', 'sub_2'] })) {
    if (item.type === 'delivery') ids.push(item.delivery.id);
    if (ids.length >= count) break;
  }
  return ids;
}

it('continues after the last id when the stream ends, is cut or is refused for a while', async () => {
  server.respondWith(
    stream('dlv_1', 'dlv_2'),
    'close',
    refusal(503, 'unavailable'),
    refusal(429, 'rate_limited'),
    stream('dlv_3'),
  );
  expect(await collect(3)).toEqual(['dlv_1', 'dlv_2', 'dlv_3']);
  expect(server.requests.map(({ path, headers }) => [path, headers['last-event-id']])).toEqual([
    ['/webhook/v1/accounts/acme/stream?subscription=sub_1&subscription=sub_2', undefined],
    ...Array.from({ length: 4 }, () => [
      '/webhook/v1/accounts/acme/stream?subscription=sub_1&subscription=sub_2',
      'dlv_2',
    ]),
  ]);
});

it('throws when the key is no longer valid', async () => {
  server.respondWith(stream('dlv_1'), refusal(401, 'unauthenticated'));
  await expect(collect(2)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('yields skipped counts, ignores unknown events, and follows all accounts', async () => {
  server.respondWith({
    headers: { 'content-type': 'text/event-stream' },
    body: 'event: later\ndata: {}\n\nevent: skipped\ndata: {"count":7}\n\n',
  });
  for await (const item of posthorn.deliveries.follow(null)) {
    expect(item).toEqual({ type: 'skipped', count: 7 } satisfies Followed);
    break;
  }
  expect(server.requests[0]?.path).toBe('/webhook/v1/stream');
});

it('ends with the signal, whether it waits for an item or for a reconnect', async () => {
  for (const response of ['never', 'close'] as const) {
    server.respondWith(response);
    const before = server.requests.length;
    const controller = new AbortController();
    const next = posthorn.deliveries.follow('acme', { signal: controller.signal }).next();
    await expect.poll(() => server.requests.length).toBeGreaterThan(before);
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  }
});
