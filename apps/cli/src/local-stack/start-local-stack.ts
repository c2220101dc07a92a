import { migrateUp } from '@posthorn/core/database-tools';
import { migrateQueues } from '@posthorn/jobs';
import { mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { childEnvironment, type StackSettings } from '../env.js';
import { PlainError } from '../plain-error.js';
import { choosePorts } from './choose-ports.js';
import { keepKeys } from './keep-keys.js';
import { type Kept, keepRunning, type Running } from './keep-running.js';
import { type LocalFile, removeLocalFile, writeLocalFile } from './local-file.js';
import { openLog } from './open-log.js';
import type { Step } from './progress.js';
import { startApp } from './start-app.js';
import { startLedger, startQueue } from './start-services.js';
import { watchSources } from './watch-sources.js';

/** Where Vite serves the console from its sources. */
const WATCHED_CONSOLE_PORT = 3405;

export interface Stage {
  settings: StackSettings;
  dataDir: string;
  signal: AbortSignal;
  /** Functions that stop what was started; called in reverse order. */
  undo: (() => unknown)[];
  /** Called with the pid of each process of the stack, also after a restart. */
  onSpawn: (pid: number) => void;
  say: (line: string) => void;
  step: Step;
  /** For development: processes restart when their sources change, and the console reloads. */
  watch: boolean;
}

/** Starts Postgres, the queue, the migrations, then API, workers and Bull Board together, then the demo, printing each step.
 *  Returns what it wrote to local.json. Throws an error with one sentence when something does not start, or when the signal
 *  aborts; the caller then stops what runs with `undo`. */
export async function startLocalStack(stage: Stage): Promise<LocalFile> {
  const { settings, dataDir, signal, undo, say, step } = stage;
  const logs = join(dataDir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const servicesLog = openLog(join(logs, 'services.log'));
  const keys = keepKeys(dataDir, settings);
  const { api: apiPort, board: boardPort, demo: demoPort, ...workerPorts } = await choosePorts(portRequests(settings));

  let writeAgain = () => undefined as void;
  const around: Around = {
    dataDir,
    signal,
    say,
    onRestart: () => writeAgain(),
    log: (line: string) => void writeSync(servicesLog, `${line}\n`),
  };
  const { ledger, queue, queueBackend } = await startStores(stage, { around, servicesLog });
  const urls = {
    api: urlOf(settings.apiHost, apiPort),
    board: urlOf(settings.boardHost, boardPort),
    demo: urlOf(settings.demoHost, demoPort),
  };
  const env = {
    DATABASE_URL: ledger.url,
    DATABASE_DIRECT_URL: ledger.directUrl ?? '',
    QUEUE_BACKEND: queueBackend,
    REDIS_URL: queue?.url ?? '',
    POSTHORN_OPERATOR_KEY: keys.operatorKey,
    POSTHORN_ENCRYPTION_KEY: keys.encryptionKey,
    POSTHORN_API_URL: urls.api,
    POSTHORN_BOARD_URL: urls.board,
    POSTHORN_DATA_DIR: dataDir,
    API_PORT: String(apiPort),
    BOARD_PORT: String(boardPort),
    DEMO_PORT: String(demoPort),
  } as const;
  const { api, workers, board, demo } = await startApps(stage, {
    start: appStarter(stage, { around, logs, env }),
    urls,
    workerPorts: Object.values<number>(workerPorts),
  });

  const consoleUrl = stage.watch
    ? await step('Console, with hot reload', () =>
        watchSources({ apiUrl: urls.api, port: WATCHED_CONSOLE_PORT, signal, undo }),
      )
    : `${urls.api}/`;
  const content = (): LocalFile => ({
    apiUrl: urls.api,
    consoleUrl,
    boardUrl: urls.board,
    demoUrl: urls.demo,
    operatorKey: keys.operatorKey,
    queueBackend,
    databaseUrl: ledger.url,
    redisUrl: queue?.url ?? null,
    pids: {
      api: api.current.pid,
      workers: workers.map(({ current }) => current.pid),
      board: board.current.pid,
      demo: demo.current.pid,
      postgres: ledger.own?.current.pid ?? null,
      redis: queue?.own?.current.pid ?? null,
    },
  });
  writeAgain = () => writeLocalFile(dataDir, content());
  undo.push(() => {
    writeAgain = () => undefined;
    removeLocalFile(dataDir);
  });
  writeAgain();
  return content();
}

/** What every process of the stack shares. */
interface Around {
  dataDir: string;
  signal: AbortSignal;
  say: (line: string) => void;
  onRestart: () => void;
  log: (line: string) => void;
}

/** Starts Postgres and the queue, and migrates both. */
async function startStores(
  { settings, signal, undo, step }: Stage,
  { around, servicesLog }: { around: Around; servicesLog: number },
) {
  const ledger = await step(
    'Postgres',
    () => startLedger(settings, around),
    ({ own }) => (own ? '' : 'yours'),
  );
  undo.push(() => ledger.own?.stop());
  signal.throwIfAborted();

  const queue = await step(
    'Queue',
    () => startQueue(settings, around),
    (found) => (found === null ? 'BullMQ on Postgres' : found.own ? 'BullMQ on Redis' : 'BullMQ on your Redis'),
  );
  undo.push(() => queue?.own?.stop());
  signal.throwIfAborted();
  const queueBackend: LocalFile['queueBackend'] = queue === null ? 'postgres' : 'redis';

  await step(
    'Migrations',
    () => migrate(ledger.directUrl ?? ledger.url, queueBackend, servicesLog),
    (applied) => `${applied} applied`,
  );
  signal.throwIfAborted();
  return { ledger, queue, queueBackend };
}

type Environment = Parameters<typeof childEnvironment>[0];
type StartApp = (signal: AbortSignal) => Promise<Kept<Running>>;
type AppStarter = (name: string, file: string, readyUrl: string, env?: Environment) => StartApp;

/** Returns a function that makes the start of an app, which is restarted when it ends. Each app has its own log. */
function appStarter(
  { settings, watch, onSpawn }: Stage,
  { around, logs, env }: { around: Around; logs: string; env: Environment },
): AppStarter {
  const graceMs = settings.shutdownDelayMs + settings.shutdownTimeoutMs + 5_000;
  return (name, file, readyUrl, more = {}) => {
    const path = join(logs, `${name.toLowerCase().replaceAll(' ', '-')}.log`);
    const app = {
      name,
      entry: fileURLToPath(new URL(`../../../${file}`, import.meta.url)),
      env: childEnvironment({ ...env, ...more }),
      readyUrl,
      log: { file: path, descriptor: openLog(path) },
      graceMs,
      nodeOptions: nodeOptions(name, watch),
    };
    return (signal) =>
      keepRunning(name, {
        ...around,
        signal,
        start: (_previous: Running | null, giveUp) => startApp(app, { signal: giveUp, onSpawn }),
      });
  };
}

/** Starts API, workers and Bull Board together, then the demo. */
async function startApps(
  { settings, signal, undo, step }: Stage,
  {
    start,
    urls,
    workerPorts,
  }: { start: AppStarter; urls: Record<'api' | 'board' | 'demo', string>; workerPorts: number[] },
) {
  const startWorkers = workerPorts.map((port, index) =>
    start(`Worker ${index + 1}`, 'worker/dist/main.js', `${urlOf(settings.workerHealthHost, port)}/readyz`, {
      WORKER_HEALTH_PORT: String(port),
    }),
  );
  const startApi = start('API', 'api/dist/server.js', `${urls.api}/readyz`);
  const startBoard = start('Bull Board', 'board/dist/main.js', `${urls.board}/readyz`);
  const startDemo = start('Demo', 'demo/dist/main.js', `${urls.demo}/status.json`);
  const [workers, api, board] = await step(`API, ${count(startWorkers.length, 'worker')}, Bull Board`, async () => {
    const all = await together([...startWorkers, startApi, startBoard], signal, undo);
    return [all.slice(0, -2), only(all.at(-2)), only(all.at(-1))] as const;
  });
  const demo = await step('Demo', async () => only((await together([startDemo], signal, undo))[0]));
  return { api, workers, board, demo };
}

/** In watch mode, Node restarts a process when a loaded file changes, and debuggers can attach to two processes. */
function nodeOptions(name: string, watch: boolean): string[] {
  if (!watch) return [];
  const inspectPort = { API: 9229, 'Worker 1': 9230 }[name];
  const inspect = inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`];
  return ['--watch', '--watch-preserve-output', ...inspect];
}

function portRequests(settings: StackSettings) {
  const host = settings.workerHealthHost;
  const first = settings.workerHealthPort;
  const workers = Array.from({ length: settings.workers }, (_, index) => [
    `worker${index + 1}`,
    { variable: 'WORKER_HEALTH_PORT', host, port: first === 0 ? 0 : first + index },
  ]);
  return {
    api: { variable: 'API_PORT', host: settings.apiHost, port: settings.apiPort },
    board: { variable: 'BOARD_PORT', host: settings.boardHost, port: settings.boardPort },
    demo: { variable: 'DEMO_PORT', host: settings.demoHost, port: settings.demoPort },
    ...(Object.fromEntries(workers) as Record<`worker${number}`, { variable: string; host: string; port: number }>),
  };
}

/** Returns how many migrations were applied. */
async function migrate(url: string, queueBackend: 'redis' | 'postgres', logDescriptor: number): Promise<number> {
  const log = pino(pino.destination({ dest: logDescriptor, sync: true }));
  try {
    const applied = await migrateUp({ url, log });
    if (queueBackend === 'postgres') await migrateQueues({ backend: 'postgres', url });
    return applied.length;
  } catch (error) {
    throw new PlainError(`The database cannot be migrated: ${(error as Error).message}`, { cause: error });
  }
}

/** Starts all concurrently. If one fails, `undo` stops those that are up. */
async function together(
  starts: ((signal: AbortSignal) => Promise<Kept<Running>>)[],
  signal: AbortSignal,
  undo: (() => unknown)[],
): Promise<Kept<Running>[]> {
  const oneFailed = new AbortController();
  const failures: unknown[] = [];
  const results = await Promise.all(
    starts.map((start) =>
      start(AbortSignal.any([signal, oneFailed.signal])).catch((error: unknown) => {
        failures.push(error);
        oneFailed.abort();
        return null;
      }),
    ),
  );
  const kept = results.filter((result) => result !== null);
  undo.push(...kept.map((one) => () => one.stop()));
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return kept;
}

function only<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('unreachable: as many are up as were started');
  return value;
}

function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function count(number: number, noun: string): string {
  return number === 1 ? noun : `${number} ${noun}s`;
}
