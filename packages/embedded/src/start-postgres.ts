import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { claimDirectory } from './claim-directory.js';
import { findFreePort, isPortFree } from './find-free-port.js';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import { commandOf, endProcess } from './process-mark.js';
import { openServiceAccount, type ServiceAccount } from './service-account.js';
import { runAs, spawnServer, type ServerProcess } from './spawn-server.js';

export interface EmbeddedPostgres {
  /** With user, password and the database `posthorn`. */
  readonly url: string;
  readonly pid: number;
  /** Resolves with its last log lines when the server has ended, by stop() or unexpectedly. */
  readonly exited: Promise<{ lastLines: string[] }>;
  /** Rolls back open transactions, writes everything to disk, and ends. Repeating is safe. */
  stop(): Promise<void>;
}

const user = 'posthorn';

// Fast shutdown first (disconnects clients, writes the data), then immediate (recovers at the next start).
const stopSteps = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] satisfies { signal: NodeJS.Signals; waitMs: number }[];

/** Starts a separate PostgreSQL 18 in `directory`, and makes the database cluster the first time. Committed data survives any end.
 *  Listens only on 127.0.0.1 and ends with this process. First ends a server that a killed owner left. Works as root, too
 *  (Postgres then runs as `postgres`). Throws DirectoryInUse when another running process uses the directory, and an error with
 *  one sentence when the port is in use or the server does not start. */
export async function startPostgres(options: {
  directory: string;
  port?: number;
  /** Default: 200, enough for some 15 processes. */
  maxConnections?: number;
  /** Settings of postgresql.conf. */
  settings?: Record<string, string>;
  log: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  const claim = claimDirectory(directory);
  try {
    chmodSync(directory, 0o711); // Postgres' account may traverse it, but not read the other files in it
    const data = join(directory, 'data');
    const account = openServiceAccount(data);
    const binaries = findPostgresBinaries(account);
    for (const server of claim.left) await endProcess(server, stopSteps);
    const password = keepPassword(directory);
    if (!existsSync(data)) makeCluster({ binaries, account, directory, password });
    giveToAccount(data, account);
    removeStalePidFile(data);

    const { server, port } = await startOnPort(options.port, (chosen) =>
      startServer({
        binaries,
        account,
        data,
        port: chosen,
        maxConnections: options.maxConnections ?? 200,
        settings: options.settings ?? {},
        log: options.log,
        started: (pid) => claim.record([pid]),
      }),
    );
    void server.exited.then(() => claim.release());
    return {
      url: `postgresql://${user}:${password}@127.0.0.1:${port}/posthorn`,
      pid: server.pid,
      exited: server.exited,
      stop: () => server.stop(stopSteps),
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

function keepPassword(directory: string): string {
  const file = join(directory, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

// Made in a draft and then renamed, so that a cluster half made by a killed process is never used.
function makeCluster({
  binaries,
  account,
  directory,
  password,
}: {
  binaries: PostgresBinaries;
  account: ServiceAccount | null;
  directory: string;
  password: string;
}): void {
  const draft = join(directory, 'data.new');
  const passwordFile = join(directory, 'password.initdb');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) for (const path of [draft, passwordFile]) chownSync(path, account.uid, account.gid);
  try {
    // Postgres' built-in locale, so that order and case are the same on every machine.
    runAs(account, binaries.initdb, [
      `--pgdata=${draft}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ]);
    runAs(account, binaries.postgres, ['--single', '-D', draft, 'postgres'], { input: 'create database posthorn\n' });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    throw new Error(`Postgres cannot make its database in ${directory}: ${said}`, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(draft, join(directory, 'data'));
}

// Another user may have used the same directory (root in a container, for example).
function giveToAccount(data: string, account: ServiceAccount | null): void {
  const owner = statSync(data).uid;
  const wanted = account?.uid ?? process.getuid?.();
  if (wanted === undefined || owner === wanted) return;
  if (!account)
    throw new Error(`${data} belongs to user ${owner}: start as that user (or root), or use another directory.`);
  execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, data]);
}

// Postgres takes any running process with the recorded pid for its predecessor, but the system reuses pids.
function removeStalePidFile(data: string): void {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (pid > 0 && commandOf(pid)?.includes(data))
    throw new Error(`${data} is in use by the Postgres with process id ${pid}.`);
  rmSync(file);
}

/** The given port, or a free one. A free port may be in use before the server binds it; then another is used. */
async function startOnPort(
  given: number | undefined,
  start: (port: number) => Promise<ServerProcess>,
): Promise<{ server: ServerProcess; port: number }> {
  if (given && !(await isPortFree(given)))
    throw new Error(`Postgres cannot start: port ${given} of 127.0.0.1 is in use.`);
  for (let attempts = 1; ; attempts++) {
    const port = given || (await findFreePort());
    try {
      return { server: await start(port), port };
    } catch (error) {
      if (given || attempts >= 3 || (await isPortFree(port))) throw error;
    }
  }
}

async function startServer({
  binaries,
  account,
  data,
  port,
  maxConnections,
  settings: others,
  log,
  started,
}: {
  binaries: PostgresBinaries;
  account: ServiceAccount | null;
  data: string;
  port: number;
  maxConnections: number;
  settings: Record<string, string>;
  log: (line: string) => void;
  started: (pid: number) => void;
}): Promise<ServerProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '', // every user of the machine could open sockets in /tmp
    max_connections: maxConnections,
    ...others,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawnServer(binaries.postgres, ['-D', data, ...flags], { account, deathSignal: 'SIGINT' });
  started(server.pid);

  const ready = new Promise<true>((resolveReady) => {
    server.onLine((line) => {
      log(line);
      // A standby says that its connections are read-only.
      if (/database system is ready to accept (read-only )?connections/.test(line)) resolveReady(true);
    });
  });
  const keepAlive = setInterval(() => undefined, 1000); // keeps the event loop alive meanwhile
  const result = await Promise.race([ready, server.exited]);
  clearInterval(keepAlive);
  if (result === true) return server;
  const fatal = result.lastLines.findLast((line) => /FATAL|could not/.test(line)) ?? result.lastLines.at(-1);
  throw new Error(`Postgres did not start: ${fatal ?? 'it ended without output'}`);
}
