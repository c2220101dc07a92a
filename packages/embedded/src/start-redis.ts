import { accessSync, constants, mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { claimDirectory } from './claim-directory.js';
import { findFreePort, isPortFree } from './find-free-port.js';
import { endProcess } from './process-mark.js';
import { spawnServer, type ServerProcess } from './spawn-server.js';

export interface EmbeddedRedis {
  readonly url: string;
  readonly pid: number;
  /** Resolves with its last log lines when the server has ended, by stop() or unexpectedly. */
  readonly exited: Promise<{ lastLines: string[] }>;
  stop(): Promise<void>;
}

const stopSteps = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] satisfies { signal: NodeJS.Signals; waitMs: number }[];

/** Starts the machine's redis-server, or valkey-server, as BullMQ needs it: append-only file, no eviction. Keeps its data in
 *  `directory`, listens only on 127.0.0.1, and ends with this process. Returns null when the PATH has neither. Throws
 *  DirectoryInUse when another running process uses the directory, and an error with one sentence when it does not start. */
export async function startRedis(options: {
  directory: string;
  port?: number;
  /** Settings of redis.conf, in addition to those that BullMQ needs. */
  settings?: Record<string, string>;
  log: (line: string) => void;
}): Promise<EmbeddedRedis | null> {
  const command = findRedisServer();
  if (command === null) return null;
  const directory = resolve(options.directory);
  const claim = claimDirectory(directory);
  try {
    for (const server of claim.left) await endProcess(server, stopSteps);
    const data = join(directory, 'data');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const { port, settings = {}, log } = options;
    if (port && !(await isPortFree(port))) throw new Error(`Redis cannot start: port ${port} of 127.0.0.1 is in use.`);
    for (let attempts = 1; ; attempts++) {
      const chosen = port || (await findFreePort());
      const server = startServer(command, { data, port: chosen, settings, log });
      claim.record([server.pid]);
      const result = await Promise.race([responds(chosen, server), server.exited]);
      if (result === true) return release(server, chosen, () => claim.release());
      if (port || attempts >= 3 || (await isPortFree(chosen))) {
        throw new Error(`Redis did not start: ${result.lastLines.at(-1) ?? 'it ended without output'}`);
      }
    }
  } catch (error) {
    claim.release();
    throw error;
  }
}

function release(server: ServerProcess, port: number, ended: () => void): EmbeddedRedis {
  void server.exited.then(ended);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop(stopSteps),
  };
}

function startServer(
  command: string,
  {
    data,
    port,
    settings: others,
    log,
  }: { data: string; port: number; settings: Record<string, string>; log: (line: string) => void },
): ServerProcess {
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: data,
    appendonly: 'yes',
    save: '', // no snapshots, since the append-only file suffices
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
    ...others,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawnServer(command, flags, { account: null, deathSignal: 'SIGTERM' });
  server.onLine(log);
  return server;
}

/** Resolves once it serves; never if it ends first. */
async function responds(port: number, server: ServerProcess): Promise<true> {
  while (!server.hasEnded) {
    if (await ping(port)) return true;
    await delay(20);
  }
  return new Promise(() => undefined);
}

/** Whether it responds with PONG, and not with LOADING while it reads its file. */
const ping = async (port: number): Promise<boolean> => (await askRedis(port, 'PING')).startsWith('+PONG');

/** A key and its self-signed certificate, as PEM files. */
export interface TlsFiles {
  key: string;
  cert: string;
}

/** The settings of a server that also serves TLS, on this port. */
export const tlsSettings = ({ key, cert }: TlsFiles, port: number | null): Record<string, string> => ({
  'tls-port': String(port),
  'tls-key-file': key,
  'tls-cert-file': cert,
  'tls-ca-cert-file': cert,
  'tls-auth-clients': 'no',
});

/** Sends one command without spaces in its arguments to a server on 127.0.0.1. Returns the start of the raw response, or an empty
 *  text if the server does not respond within `timeoutMs`. The default of a second is for callers that ask repeatedly. */
export function askRedis(port: number, command: string, { timeoutMs = 1_000 } = {}): Promise<string> {
  return new Promise((resolveResponse) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(`${command}\r\n`));
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.once('data', (response) => {
      resolveResponse(response.toString());
      socket.destroy();
    });
    socket.once('error', () => resolveResponse(''));
    socket.once('close', () => resolveResponse(''));
  });
}

/** The machine's redis-server or valkey-server; null without either. */
export const findRedisServer = (): string | null => findOnPath('redis-server') ?? findOnPath('valkey-server');

function findOnPath(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not installed
    }
  }
  return null;
}
