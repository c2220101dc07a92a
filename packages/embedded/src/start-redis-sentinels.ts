import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from './find-free-port.js';
import { spawnServer, type ServerProcess } from './spawn-server.js';
import {
  askRedis,
  type EmbeddedRedis,
  findRedisServer,
  startRedis,
  type TlsFiles,
  tlsSettings,
} from './start-redis.js';

/** A primary, a replica, and three Sentinels of which two must agree, for tests. */
export interface RedisSentinels {
  readonly ports: number[];
  /** Their ports for TLS; empty without `tls`. */
  readonly tlsPorts: number[];
  /** The name of the primary for the Sentinels. */
  readonly name: string;
  /** The server that the Sentinels name as primary now. */
  findPrimary(): Promise<WatchedServer>;
  /** Both servers, in any order. */
  readonly servers: WatchedServer[];
  stop(): Promise<void>;
}

export interface WatchedServer {
  /** The running server. */
  current: EmbeddedRedis;
  readonly port: number;
  /** The port for TLS; null: it has none. */
  readonly tlsPort: number | null;
  /** The folder of its data. */
  readonly directory: string;
  /** Starts the server again after it has ended, on its port. The Sentinels decide its role. */
  start(): Promise<void>;
}

const NAME = 'mymaster';
const COUNT = 3;
const QUORUM = 2;
// After a pause of the machine of more than 2 s, a Sentinel does nothing for 30 s (TILT). If the replica's link to the primary was then down
// for more than ten times DOWN_AFTER_MS, the Sentinel never promotes that replica. So TILT is short here.
const DOWN_AFTER_MS = 3_000;
const TILT_MS = 1_000;
const HOSTNAMES = [
  'sentinel resolve-hostnames yes',
  'sentinel announce-hostnames yes',
  'sentinel announce-ip localhost',
];
const STOP = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] satisfies { signal: NodeJS.Signals; waitMs: number }[];

/** Starts them with their data in `directory`, on free ports of 127.0.0.1. Resolves when each Sentinel knows the replica and the other
 *  Sentinels. They replace a primary that does not respond for `downAfterMs` (default: 1.5 s), and end with this process. With `tls`,
 *  all use TLS between each other, also serve it, and are named `localhost`.
 *  Returns null without a redis-server on the PATH. Throws as startRedis does. */
export async function startRedisSentinels({
  directory,
  tls,
}: {
  directory: string;
  tls?: TlsFiles;
}): Promise<RedisSentinels | null> {
  const command = findRedisServer();
  if (command === null) return null;
  const servers: WatchedServer[] = [];
  const sentinels: Sentinel[] = [];
  const stop = async () => {
    await Promise.all(sentinels.map(({ process }) => process.stop(STOP))); // first: they would replace the primary
    await Promise.all(servers.map(({ current }) => current.stop()));
  };
  try {
    for (const name of ['one', 'two']) servers.push(await startWatched(join(directory, name), tls));
    const [primary, replica] = servers as [WatchedServer, WatchedServer];
    await askRedis(replica.port, `REPLICAOF ${addressOf(primary)}`);
    await until(async () => (await askRedis(replica.port, 'INFO replication')).includes('master_link_status:up'));
    for (let n = 0; n < COUNT; n += 1) {
      const folder = join(directory, `sentinel-${n}`);
      sentinels.push(await startSentinel(command, { folder, primary: addressOf(primary), tls }));
    }
    for (const { port } of sentinels) await until(() => knowsAll(port));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports: sentinels.map(({ port }) => port),
    tlsPorts: sentinels.flatMap(({ tlsPort }) => tlsPort ?? []),
    name: NAME,
    servers,
    async findPrimary() {
      for (const { port } of sentinels) {
        const response = await askRedis(port, `SENTINEL GET-MASTER-ADDR-BY-NAME ${NAME}`);
        const found = servers.find((server) => response.includes(`\r\n${server.tlsPort ?? server.port}\r\n`));
        if (found) return found;
      }
      throw new Error('No Sentinel names a primary.');
    },
    stop,
  };
}

/** How the servers and Sentinels reach a server. */
const addressOf = ({ port, tlsPort }: WatchedServer): string =>
  tlsPort === null ? `127.0.0.1 ${port}` : `localhost ${tlsPort}`;

async function startWatched(directory: string, tls: TlsFiles | undefined): Promise<WatchedServer> {
  const tlsPort = tls ? await findFreePort() : null;
  const settings = {
    'repl-diskless-sync-delay': '0',
    ...(tls && { ...tlsSettings(tls, tlsPort), 'tls-replication': 'yes', 'replica-announce-ip': 'localhost' }),
  };
  const open = async (port?: number): Promise<EmbeddedRedis> => {
    const started = await startRedis({ directory, settings, log: () => undefined, ...(port && { port }) });
    if (!started) throw new Error('redis-server is no longer on the PATH.');
    return started;
  };
  const current = await open();
  const port = Number(new URL(current.url).port);
  const server: WatchedServer = {
    current,
    port,
    tlsPort,
    directory,
    start: async () => void (server.current = await open(port)),
  };
  return server;
}

interface Sentinel {
  port: number;
  tlsPort: number | null;
  process: ServerProcess;
}

/** Sentinels rewrite their settings, so these must be in a file. */
async function startSentinel(
  command: string,
  { folder, primary, tls }: { folder: string; primary: string; tls: TlsFiles | undefined },
): Promise<Sentinel> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'sentinel.conf');
  for (let attempts = 1; ; attempts += 1) {
    const port = await findFreePort();
    const tlsPort = tls ? await findFreePort() : null;
    const secure = tls && { ...tlsSettings(tls, tlsPort), 'tls-replication': 'yes' };
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      ...Object.entries(secure ?? {}).map(([name, value]) => `${name} ${value}`),
      ...(tls ? HOSTNAMES : []),
      `sentinel monitor ${NAME} ${primary} ${QUORUM}`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${NAME} 10000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const process = spawnServer(command, [file, '--sentinel'], { account: null, deathSignal: 'SIGTERM' });
    while (!process.hasEnded) {
      if ((await askRedis(port, 'PING')).startsWith('+PONG')) {
        // Redis 6 does not support it, and keeps 30 s.
        await askRedis(port, `SENTINEL DEBUG tilt-period ${TILT_MS}`, { timeoutMs: 60_000 });
        return { port, tlsPort, process };
      }
      await delay(20);
    }
    const { lastLines } = await process.exited;
    if (attempts === 3) throw new Error(`A Sentinel did not start: ${lastLines.at(-1) ?? 'it ended without output'}`);
  }
}

async function knowsAll(port: number): Promise<boolean> {
  const info = await askRedis(port, 'INFO sentinel');
  return info.includes(`status=ok`) && info.includes(`slaves=1,sentinels=${COUNT}`);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(50);
}
