import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from './find-free-port.js';
import { askRedis, type EmbeddedRedis, startRedis, type TlsFiles, tlsSettings } from './start-redis.js';

/** Three primaries that share the hash slots, for tests. They have no replicas, so the Cluster stops while one of them is away. */
export interface RedisCluster {
  readonly nodes: ClusterNode[];
  stop(): Promise<void>;
}

export interface ClusterNode {
  /** The running server. */
  current: EmbeddedRedis;
  readonly port: number;
  /** The port for TLS; null: it has none. */
  readonly tlsPort: number | null;
  /** The folder of its data. */
  readonly directory: string;
  /** Starts the node again after it has ended, with its port and data. */
  start(): Promise<void>;
}

const SIZE = 3;
const SLOTS = 16_384;
const ASKED_BEFORE_NEXT_INTRODUCTION = 200;

/** Starts the Cluster with its data in `directory`, on free ports of 127.0.0.1. Resolves when each node reports a healthy Cluster. It
 *  ends with this process. With `tls`, each node also has a port for TLS, and names itself and the others `localhost`.
 *  Returns null without a redis-server on the PATH. Throws as startRedis does. */
export async function startRedisCluster({
  directory,
  tls,
}: {
  directory: string;
  tls?: TlsFiles;
}): Promise<RedisCluster | null> {
  const nodes: (ClusterNode & { busPort: number })[] = [];
  const stop = async () => void (await Promise.all(nodes.map(({ current }) => current.stop())));
  try {
    for (let n = 0; n < SIZE; n += 1) {
      const node = await startNode(join(directory, `node-${n}`), tls);
      if (!node) return null;
      nodes.push(node);
    }
    await form(nodes);
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNode(
  directory: string,
  tls: TlsFiles | undefined,
): Promise<(ClusterNode & { busPort: number }) | null> {
  for (let attempts = 1; ; attempts += 1) {
    const busPort = await findFreePort();
    const tlsPort = tls ? await findFreePort() : null;
    const settings = {
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-node-timeout': '5000',
      ...(tls && {
        ...tlsSettings(tls, tlsPort),
        'tls-cluster': 'yes', // without it, Redis 7.0 names the ports without TLS to clients
        'cluster-announce-hostname': 'localhost',
        'cluster-preferred-endpoint-type': 'hostname',
      }),
    };
    try {
      const current = await startRedis({ directory, settings, log: () => undefined });
      if (!current) return null;
      const port = Number(new URL(current.url).port);
      const node = {
        current,
        port,
        tlsPort,
        busPort,
        directory,
        async start() {
          const again = await startRedis({ directory, port, settings, log: () => undefined });
          if (!again) throw new Error('redis-server is no longer on the PATH.');
          node.current = again;
        },
      };
      return node;
    } catch (error) {
      if (attempts === 3) throw error; // another process uses one of the other ports
    }
  }
}

type FormingNode = Pick<ClusterNode, 'port' | 'tlsPort'> & { busPort: number };

/** Assigns slots to each node, introduces it to the first one, and waits until each knows all others and serves. */
async function form(nodes: FormingNode[]): Promise<void> {
  for (const [n, { port }] of nodes.entries()) {
    const from = Math.floor((n * SLOTS) / nodes.length);
    const to = Math.floor(((n + 1) * SLOTS) / nodes.length) - 1;
    await order(port, `CLUSTER ADDSLOTSRANGE ${from} ${to}`);
    await order(port, `CLUSTER SET-CONFIG-EPOCH ${n + 1}`);
  }
  await introduce(nodes);
  for (const { port } of nodes) {
    for (let asked = 1; !(await isWhole(port, nodes.length)); asked += 1) {
      // A node gives up an introduction that takes longer than its timeout, as during a pause of the machine.
      if (asked % ASKED_BEFORE_NEXT_INTRODUCTION === 0) await introduce(nodes);
      await delay(50);
    }
  }
}

async function introduce([first, ...others]: FormingNode[]): Promise<void> {
  if (!first) return;
  for (const { port } of others) {
    await order(port, `CLUSTER MEET 127.0.0.1 ${first.tlsPort ?? first.port} ${first.busPort}`);
  }
}

async function isWhole(port: number, size: number): Promise<boolean> {
  const info = await askRedis(port, 'CLUSTER INFO');
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_slots_ok:${SLOTS}`) &&
    info.includes(`cluster_known_nodes:${size}`)
  );
}

async function order(port: number, command: string): Promise<void> {
  const response = await askRedis(port, command, { timeoutMs: 60_000 });
  if (!response.startsWith('+OK')) throw new Error(`Redis refuses ${command}: ${response || 'it does not respond'}`);
}
