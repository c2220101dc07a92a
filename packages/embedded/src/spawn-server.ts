import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ServiceAccount } from './service-account.js';

export interface ServerProcess {
  readonly pid: number;
  /** Resolves with its last log lines when the process has ended, for any reason. */
  readonly exited: Promise<{ lastLines: string[] }>;
  readonly hasEnded: boolean;
  /** Calls back for each line of output. */
  onLine(listener: (line: string) => void): void;
  /** Sends the signals in order, each with its wait, and resolves once the process has ended. */
  stop(steps: { signal: NodeJS.Signals; waitMs: number }[]): Promise<void>;
}

/** Starts a server that ends with this process: by an exit hook, and with util-linux' `setpriv --pdeathsig` even after SIGKILL. It has
 *  its own process group, so that Ctrl-C in the terminal does not end the database first. Its environment has only PATH, so it
 *  inherits no secret. */
export function spawnServer(
  command: string,
  args: string[],
  { account, deathSignal }: { account: ServiceAccount | null; deathSignal: NodeJS.Signals },
): ServerProcess {
  const [program, ...rest] = withDeathSignal(command, args, account, deathSignal);
  const child = spawn(program, rest, {
    ...(account === null || program === 'setpriv' ? {} : { uid: account.uid, gid: account.gid }),
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
  });
  child.once('error', () => undefined); // detected by the missing pid
  if (child.pid === undefined) throw new Error(`${command} cannot be started.`);
  const { pid } = child;

  const lastLines: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  const take = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    for (const listener of listeners) listener(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take);

  const onOurExit = () => void child.kill(deathSignal);
  process.on('exit', onOurExit);
  const exited = new Promise<{ lastLines: string[] }>((resolve) => {
    child.once('close', () => {
      process.off('exit', onOurExit);
      resolve({ lastLines });
    });
  });
  releaseEventLoop(child);

  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    exited,
    get hasEnded() {
      return hasEnded();
    },
    onLine: (listener) => void listeners.push(listener),
    stop: async (steps) => {
      // Keeps the event loop alive: without this timer, a process that has nothing else to do would end during the wait.
      const keepAlive = setInterval(() => undefined, 1000);
      for (const { signal, waitMs } of steps) {
        if (hasEnded()) break;
        child.kill(signal);
        await Promise.race([exited, timeout(waitMs)]);
      }
      if (hasEnded()) await exited;
      clearInterval(keepAlive);
    },
  };
}

/** Runs a program to its end as the given account. If it fails, throws its output. */
export function runAs(
  account: ServiceAccount | null,
  command: string,
  args: string[],
  { input = '' }: { input?: string } = {},
): void {
  const [program, ...rest] = withDeathSignal(command, args, account, 'SIGTERM');
  execFileSync(program, rest, {
    ...(account === null || program === 'setpriv' ? {} : { uid: account.uid, gid: account.gid }),
    cwd: '/',
    input,
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
  });
}

function withDeathSignal(
  command: string,
  args: string[],
  account: ServiceAccount | null,
  deathSignal: NodeJS.Signals,
): [string, ...string[]] {
  if (!hasSetpriv()) {
    if (account?.needsPassage) throw new Error(account.needsPassage);
    return [command, ...args];
  }
  // Other accounts cannot enter root's folders; this one capability allows the account to read through them.
  const kept = account?.needsPassage ? '-all,+dac_read_search' : '-all';
  const identity = account
    ? [
        `--reuid=${account.uid}`,
        `--regid=${account.gid}`,
        '--clear-groups',
        `--inh-caps=${kept}`,
        `--ambient-caps=${kept}`,
      ]
    : [];
  return ['setpriv', `--pdeathsig=${deathSignal}`, ...identity, '--', command, ...args];
}

let setpriv: boolean | undefined;
function hasSetpriv(): boolean {
  if (setpriv !== undefined) return setpriv;
  try {
    execFileSync('setpriv', ['--pdeathsig=SIGTERM', '--', 'true'], { stdio: 'ignore' });
    setpriv = true;
  } catch {
    setpriv = false; // not Linux, or busybox's, which lacks the option
  }
  return setpriv;
}

// A running server must not keep a finished script from ending.
function releaseEventLoop(child: ChildProcess): void {
  child.unref();
  (child.stdout as Socket | null)?.unref();
  (child.stderr as Socket | null)?.unref();
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
