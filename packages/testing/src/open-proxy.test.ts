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
const answerWithin = (socket: Socket, ms: number) =>
  new Promise<string | null>((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    socket.once('data', (chunk) => {
      clearTimeout(timer);
      resolve(chunk.toString());
    });
    socket.write('ping');
  });

describe('proxy', () => {
  it('passes both ways', async () => {
    expect(await answerWithin(await open(), 1_000)).toBe('ping');
  });

  it('cut ends what is open and refuses what comes; afterwards it passes again', async () => {
    const socket = await open();
    proxy.set('cut');
    await once(socket, 'close');
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => {});
    await once(refused, 'close');
    proxy.set('pass');
    expect(await answerWithin(await open(), 1_000)).toBe('ping');
  });

  it('a black hole keeps connections and answers nothing; they are of no use afterwards', async () => {
    const socket = await open();
    proxy.set('blackhole');
    expect(await answerWithin(socket, 200)).toBeNull();
    expect(await answerWithin(await open(), 200)).toBeNull();
    const closed = once(socket, 'close');
    proxy.set('pass');
    await closed;
    expect(await answerWithin(await open(), 1_000)).toBe('ping');
  });

  it('mute swallows answers alone: what is asked arrives', async () => {
    const socket = await open();
    const before = heard;
    proxy.set('mute');
    expect(await answerWithin(socket, 200)).toBeNull();
    expect(heard).toBe(before + 'ping'.length);
    const closed = once(socket, 'close');
    proxy.set('pass');
    await closed;
  });

  it('slow takes its time in each direction', async () => {
    proxy.set({ slowMs: 100 });
    const socket = await open();
    const start = performance.now();
    expect(await answerWithin(socket, 2_000)).toBe('ping');
    expect(performance.now() - start).toBeGreaterThanOrEqual(195);
  });

  it('slow keeps the order when the weather clears', async () => {
    proxy.set({ slowMs: 100 });
    const socket = await open();
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    const sent = Array.from({ length: 20 }, (_, n) => `<${n}>`);
    for (const word of sent.slice(0, 19)) {
      socket.write(word);
      await new Promise((resolve) => setTimeout(resolve, 2)); // so that each is a chunk of its own
    }
    proxy.set('pass');
    socket.write(sent[19] ?? '');
    await waitFor(() => answer.length === sent.join('').length);
    expect(answer).toBe(sent.join(''));
  });
});
