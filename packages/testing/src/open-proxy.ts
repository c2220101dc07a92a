import { type Socket, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the network does.
 *  pass · cut: connections end and none begins · blackhole: connections stay and begin, and nothing passes ·
 *  mute: what is asked arrives, and no answer comes back · slow: what is sent arrives so much later, in either direction; late
 *  and not narrow, so the next is under way meanwhile */
export type Weather = 'pass' | 'cut' | 'blackhole' | 'mute' | { slowMs: number };

export interface Proxy {
  port: number;
  /** From now on, for connections that exist as well. */
  set(weather: Weather): void;
  close(): Promise<void>;
}

/** A network between a process and its database: a TCP proxy on 127.0.0.1 with weather. */
export async function openProxy(target: { host: string; port: number }): Promise<Proxy> {
  let weather: Weather = 'pass';
  const pairs = new Set<[Socket, Socket]>();

  const server = createServer((client) => {
    if (weather === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => end(pair));
      socket.on('close', () => end(pair));
    }
    void carry(client, upstream, 'question');
    void carry(upstream, client, 'answer');
  });

  /** Bytes that meet a black hole are gone, as packets are: the connection is of no use afterwards. */
  async function carry(from: Socket, to: Socket, what: 'question' | 'answer'): Promise<void> {
    const isSwallowed = () => weather === 'blackhole' || (weather === 'mute' && what === 'answer');
    let arrived = Promise.resolve();
    try {
      for await (const chunk of from) {
        const at = performance.now() + (typeof weather === 'object' ? weather.slowMs : 0);
        // In order, whatever the weather becomes meanwhile.
        arrived = arrived.then(() => (isSwallowed() ? undefined : arrive(to, chunk as Buffer, at)));
        if (typeof weather !== 'object') await arrived;
      }
    } catch {
      // the connection broke: its other half is ended by `close`
    }
    await arrived;
    if (!isSwallowed()) to.end();
  }

  async function arrive(to: Socket, chunk: Buffer, at: number): Promise<void> {
    const waitMs = at - performance.now();
    if (waitMs > 0) await delay(waitMs);
    if (to.destroyed) return;
    if (!to.write(chunk)) await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
  }

  function end(pair: [Socket, Socket]): void {
    if (!pairs.delete(pair)) return;
    for (const socket of pair) socket.destroy();
  }

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  return {
    port,
    set(next) {
      const swallowed = weather === 'blackhole' || weather === 'mute';
      weather = next;
      // What was swallowed is missing in the streams: those connections cannot go on.
      if (next === 'cut' || (swallowed && next !== 'blackhole' && next !== 'mute')) for (const pair of pairs) end(pair);
    },
    async close() {
      for (const pair of pairs) end(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
