import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Proxy, openProxy } from './open-proxy.js';
import { waitFor } from './wait-for.js';

let proxy: Proxy;
let echo: ReturnType<typeof createServer>;
/** Bytes that arrived behind the proxy. */
let heard = 0;
beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('data', (chunk) => (heard += chunk.length));
    socket.on('error', () => {}).pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  proxy = await openProxy({ host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 });
});
afterEach(async () => {
  await proxy.close();
  echo.close();
});

const open = async (): Promise<Socket> => {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
};
const responseWithin = (socket: Socket, ms: number) =>
  new Promise<string | null>((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    socket.once('data', (chunk) => {
      clearTimeout(timer);
      resolve(chunk.toString());
    });
    socket.write('ping');
  });

describe('proxy', () => {
  it('forwards in both directions', async () => {
    expect(await responseWithin(await open(), 1_000)).toBe('ping');
  });

  it('cut ends open connections and refuses new ones, until it forwards again', async () => {
    const socket = await open();
    proxy.set('cut');
    await once(socket, 'close');
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => {});
    await once(refused, 'close');
    proxy.set('pass');
    expect(await responseWithin(await open(), 1_000)).toBe('ping');
  });

  it('a black hole keeps connections without responses; they stay unusable afterwards', async () => {
    const socket = await open();
    proxy.set('blackhole');
    expect(await responseWithin(socket, 200)).toBeNull();
    expect(await responseWithin(await open(), 200)).toBeNull();
    const closed = once(socket, 'close');
    proxy.set('pass');
    await closed;
    expect(await responseWithin(await open(), 1_000)).toBe('ping');
  });

  it('mute drops only responses: requests arrive', async () => {
    const socket = await open();
    const before = heard;
    proxy.set('mute');
    expect(await responseWithin(socket, 200)).toBeNull();
    expect(heard).toBe(before + 'ping'.length);
    const closed = once(socket, 'close');
    proxy.set('pass');
    await closed;
  });

  it('slow delays each direction', async () => {
    proxy.set({ slowMs: 100 });
    const socket = await open();
    const start = performance.now();
    expect(await responseWithin(socket, 2_000)).toBe('ping');
    expect(performance.now() - start).toBeGreaterThanOrEqual(195);
  });

  it('slow keeps the order when the delay ends', async () => {
    proxy.set({ slowMs: 100 });
    const socket = await open();
    let response = '';
    socket.on('data', (chunk) => (response += chunk.toString()));
    const sent = Array.from({ length: 20 }, (_, n) => `<${n}>`);
    for (const word of sent.slice(0, 19)) {
      socket.write(word);
      await new Promise((resolve) => setTimeout(resolve, 2)); // so that each is a separate chunk
    }
    proxy.set('pass');
    socket.write(sent[19] ?? '');
    await waitFor(() => response.length === sent.join('').length);
    expect(response).toBe(sent.join(''));
  });
});
