import { afterEach, expect, test } from 'vitest';
import { openEndpoint, type Endpoint } from './open-endpoint.js';
import { waitFor } from './wait-for.js';

let endpoint: Endpoint;
afterEach(() => endpoint.close());

test('echoes the handshake and returns 200 to everything else by default', async () => {
  endpoint = await openEndpoint();
  expect(await (await post('{"event":"webhook:verify","payload":"ABC"}')).text()).toBe('ABC');
  expect((await post('{"event":"message:created","payload":{}}')).status).toBe(200);
  expect(endpoint.requests.map(({ challenge }) => challenge)).toEqual(['ABC', null]);
  expect(endpoint.events).toHaveLength(1);
});

test('records method, path, headers and the exact bytes of the body of a request', async () => {
  endpoint = await openEndpoint();
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
  await fetch(`${endpoint.url}?a=1`, { method: 'PUT', body, headers: { 'X-Own': 'ä'.normalize('NFD').slice(0, 1) } });
  expect(endpoint.requests[0]).toMatchObject({ method: 'PUT', path: '/webhook?a=1', rawBody: body, challenge: null });
  expect(endpoint.requests[0]?.headers['x-own']).toBe('a');
});

test('follows a script of responses and repeats the last one; handshakes have a separate script', async () => {
  endpoint = await openEndpoint();
  endpoint.respondWith(500, { status: 201, body: 'made', headers: { 'x-a': 'b' } }, ({ path }) => ({ body: path }));
  endpoint.respondToHandshakeWith(404);
  expect((await post('{}')).status).toBe(500);
  expect((await post('{"event":"webhook:verify","payload":"ABC"}')).status).toBe(404);
  const second = await post('{}');
  expect([second.status, second.headers.get('x-a'), await second.text()]).toEqual([201, 'b', 'made']);
  expect(await (await post('{}')).text()).toBe('/webhook');
  expect(await (await post('{}')).text()).toBe('/webhook');
});

test('supports close, never, raw and delayMs', async () => {
  endpoint = await openEndpoint();
  endpoint.respondWith('close', 'never', { raw: 'SSH-2.0-hello\r\n' }, { status: 204, delayMs: 60 });
  await expect(post('{}')).rejects.toThrow('fetch failed');
  const gone = new AbortController();
  const hanging = post('{}', gone.signal);
  await Promise.race([hanging, waitFor(() => endpoint.events.length === 2)]);
  gone.abort();
  await expect(hanging).rejects.toThrow('aborted');
  await expect(post('{}')).rejects.toThrow('fetch failed');
  const before = performance.now();
  expect((await post('{}')).status).toBe(204);
  expect(performance.now() - before).toBeGreaterThanOrEqual(59);
  expect(endpoint.events).toHaveLength(4);
});

function post(body: string, signal?: AbortSignal): Promise<Response> {
  return fetch(endpoint.url, { method: 'POST', body, ...(signal ? { signal } : {}) });
}
