import { type Endpoint, openEndpoint, type ScriptedResponse } from '@posthorn/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Followed, FollowOptions } from './follow.js';
import { Posthorn } from './posthorn.js';

let server: Endpoint;
let posthorn: Posthorn;
beforeEach(async () => {
  server = await openEndpoint();
  posthorn = new Posthorn({ url: server.url, apiKey: 'key', maxAttempts: 1 });
});
afterEach(() => server.close());

const STREAM = { 'content-type': 'text/event-stream' };
/** A stream with these deliveries that ends afterwards. */
const stream = (...ids: string[]): ScriptedResponse => ({ headers: STREAM, body: ids.map(delivery).join('') });
const delivery = (id: string): string => `id: ${id}\nevent: delivery\ndata: {"id":"${id}"}\n\n`;
/** A stream that breaks off after these deliveries. */
const cut = (...ids: string[]): ScriptedResponse => ({
  raw: `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n${ids.map(delivery).join('')}`,
});
const refusal = (status: number, code: string): ScriptedResponse => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ code, status, detail: 'No.', errors: [], requestId: 'r' }),
});

async function collect(count: number, options: FollowOptions = {}): Promise<string[]> {
  const ids: string[] = [];
  for await (const item of posthorn.deliveries.follow('acme', options)) {
    if (item.type === 'delivery') ids.push(item.delivery.id);
    if (ids.length >= count) break;
  }
  return ids;
}

it('continues after the last id when the stream ends, is cut or is refused for a while; reports each loss once', async () => {
  server.respondWith(
    stream('dlv_1', 'dlv_2'),
    'close',
    refusal(503, 'unavailable'),
    refusal(429, 'rate_limited'),
    cut('dlv_3'),
    stream('dlv_4'),
  );
  const notes: string[] = [];
  const options = {
    subscription: ['sub_1', 'sub_2'],
    onOpen: () => void notes.push('open'),
    onLost: () => void notes.push('lost'),
  };
  expect(await collect(4, options)).toEqual(['dlv_1', 'dlv_2', 'dlv_3', 'dlv_4']);
  expect(notes).toEqual(['open', 'lost', 'open', 'lost', 'open']);
  const path = '/webhook/v1/accounts/acme/stream?subscription=sub_1&subscription=sub_2';
  expect(server.requests.map((request) => [request.path, request.headers['last-event-id']])).toEqual([
    [path, undefined],
    ...Array.from({ length: 4 }, () => [path, 'dlv_2']),
    [path, 'dlv_3'],
  ]);
});

it('continues from where the stream started when it ends before the first item', async () => {
  const started = { headers: STREAM, body: 'event: started\nid: dlv_01bbbbbbbb0\ndata: {}\n\n' };
  server.respondWith(started, stream('dlv_01aaaaaaaa1', 'dlv_01bbbbbbbb1'));
  expect(await collect(1)).toEqual(['dlv_01bbbbbbbb1']);
  expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'dlv_01bbbbbbbb0']);
});

it('yields nothing twice after a disconnect, and nothing from before the first item, though the server repeats both', async () => {
  const [old, first, late, next] = ['dlv_01aaaaaaaa1', 'dlv_01cccccccc1', 'dlv_01bbbbbbbb1', 'dlv_01dddddddd1'];
  server.respondWith(stream(first, late), stream(old, first, late, next));
  expect(await collect(3)).toEqual([first, late, next]);
});

it('starts after a given id, and then yields also what is older', async () => {
  server.respondWith(stream('dlv_01bbbbbbbb1', 'dlv_01aaaaaaaa1'));
  expect(await collect(2, { after: 'dlv_01cccccccc1' })).toEqual(['dlv_01bbbbbbbb1', 'dlv_01aaaaaaaa1']);
  expect(server.requests[0]?.headers['last-event-id']).toBe('dlv_01cccccccc1');
});

it('throws when the first request fails, instead of repeating it for ever', async () => {
  server.respondWith('close');
  await expect(collect(1)).rejects.toMatchObject({ name: 'ApiUnreachable' });
  server.respondWith(refusal(503, 'unavailable'));
  await expect(collect(1)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(posthorn.deliveries.follow('..').next()).rejects.toThrow('account must be an id; it is ".."');
  expect(server.requests).toHaveLength(2);
});

it('throws when the key is no longer valid', async () => {
  server.respondWith(stream('dlv_1'), refusal(401, 'unauthenticated'));
  await expect(collect(2)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('yields skipped counts, ignores unknown messages, and follows all accounts', async () => {
  server.respondWith({
    headers: STREAM,
    body: 'event: later\ndata: {}\n\nevent: skipped\ndata: {"count":7}\n\n',
  });
  for await (const item of posthorn.deliveries.follow(null)) {
    expect(item).toEqual({ type: 'skipped', count: 7 } satisfies Followed);
    break;
  }
  expect(server.requests[0]?.path).toBe('/webhook/v1/stream');
});

it('follows events with their exact text', async () => {
  const body = '{"event":"message:created","payload":{"n":1.0}}';
  const message = { id: 'evt_1', accountId: 'acme', event: 'message:created', createdAt: '', body };
  server.respondWith({ headers: STREAM, body: `id: evt_1\nevent: event\ndata: ${JSON.stringify(message)}\n\n` });
  for await (const item of posthorn.events.follow('acme', { events: ['message:*', 'order:paid'] })) {
    expect(item).toEqual({ type: 'event', event: message });
    break;
  }
  expect(server.requests[0]?.path).toBe('/webhook/v1/accounts/acme/events/stream?event=message%3A*&event=order%3Apaid');
});

it('ends with the signal, whether it waits for an item or for a reconnect', async () => {
  for (const second of ['never', 'close'] as const) {
    server.respondWith(stream('dlv_1'), second);
    const before = server.requests.length;
    const controller = new AbortController();
    const following = posthorn.deliveries.follow('acme', { signal: controller.signal });
    await following.next();
    const next = following.next();
    await expect.poll(() => server.requests.length).toBeGreaterThan(before + 1);
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  }
});
