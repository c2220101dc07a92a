import { type Socket, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The state of the network.
 *  pass · cut: connections end and none begins · blackhole: connections stay and begin, but nothing passes ·
 *  mute: requests arrive, but no responses · slow: each direction has this delay, without limiting the throughput */
export type NetworkState = 'pass' | 'cut' | 'blackhole' | 'mute' | { slowMs: number };

export interface Proxy {
  port: number;
  /** Changes the state, also for open connections. */
  set(state: NetworkState): void;
  close(): Promise<void>;
}

/** A TCP proxy on 127.0.0.1 that simulates a network between a process and its database. */
export async function openProxy(target: { host: string; port: number }): Promise<Proxy> {
  let state: NetworkState = 'pass';
  const pairs = new Set<[Socket, Socket]>();

  const server = createServer((client) => {
    if (state === 'cut') {
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
    void carry(client, upstream, 'request');
    void carry(upstream, client, 'response');
  });

  /** A black hole loses bytes, so its connections stay unusable afterwards. */
  async function carry(from: Socket, to: Socket, what: 'request' | 'response'): Promise<void> {
    const isDropped = () => state === 'blackhole' || (state === 'mute' && what === 'response');
    let arrived = Promise.resolve();
    try {
      for await (const chunk of from) {
        const at = performance.now() + (typeof state === 'object' ? state.slowMs : 0);
        // Keeps the order, even if the state changes meanwhile.
        arrived = arrived.then(() => (isDropped() ? undefined : arrive(to, chunk as Buffer, at)));
        if (typeof state !== 'object') await arrived;
      }
    } catch {
      // the connection broke; `close` ends its other half
    }
    await arrived;
    if (!isDropped()) to.end();
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
      const dropped = state === 'blackhole' || state === 'mute';
      state = next;
      // Streams with lost bytes cannot continue, so end their connections.
      if (next === 'cut' || (dropped && next !== 'blackhole' && next !== 'mute')) for (const pair of pairs) end(pair);
    },
    async close() {
      for (const pair of pairs) end(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
