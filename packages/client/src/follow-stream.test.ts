import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followStream } from './follow-stream.js';

// A real server that sends what the test writes, and otherwise nothing. Only the client's timers are fake.
let server: Server;
let connections: ServerResponse[];
beforeEach(async () => {
  connections = [];
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    connections.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

/** Also lets everything run that waits for it. */
async function passOneSecond() {
  await setImmediate();
  await vi.advanceTimersByTimeAsync(1_000);
}

const message = (id: string): string => `id: ${id}\nevent: delivery\ndata: {}\n\n`;

it('reconnects after a minute of silence, but not when the caller takes a minute to handle a message', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const controller = new AbortController();
  const lost: true[] = [];
  const messages = followStream(async (headers, signal) => ({ response: await fetch(url, { headers, signal }) }), {
    onLost: () => void lost.push(true),
    signal: controller.signal,
  });
  const first = messages.next();
  await vi.runOnlyPendingTimersAsync(); // it connects at once
  await expect.poll(() => connections.length).toBe(1);
  connections[0]?.write(message('a'));
  expect(await first).toMatchObject({ value: { id: 'a' } });

  await vi.advanceTimersByTimeAsync(60_000); // the caller handles the message
  connections[0]?.write(message('b'));
  expect(await messages.next()).toMatchObject({ value: { id: 'b' } });
  expect([lost.length, connections.length]).toEqual([0, 1]);

  const third = messages.next();
  let silentSeconds = 0;
  for (; lost.length === 0; silentSeconds++) await passOneSecond();
  expect(silentSeconds).toBeGreaterThan(30); // two of Posthorn's comments may be late
  while (connections.length < 2) await passOneSecond();
  connections[1]?.write(message('c'));
  expect(await third).toMatchObject({ value: { id: 'c' } });
  controller.abort();
  expect(await messages.next()).toMatchObject({ done: true });
});
