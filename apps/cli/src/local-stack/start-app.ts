import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { PlainError } from '../plain-error.js';
import type { Running } from './keep-running.js';
import { lastLines } from './last-lines.js';

/** A process of the stack: what to run, and how to see that it is up. */
export interface App {
  name: string;
  /** Absolute path of its main file. */
  entry: string;
  env: NodeJS.ProcessEnv;
  /** Responds with 2xx once it is up. */
  readyUrl: string;
  log: { file: string; descriptor: number };
  /** How long it may take to end after SIGTERM. */
  graceMs: number;
  /** Options of Node itself, such as `--watch`. */
  nodeOptions: string[];
}

const bootMs = 60_000;

/** Starts the process and resolves when it is ready. It has its own process group, so that Ctrl-C in the terminal does not end it
 *  early, and it ends with this process (follow-parent.ts). Throws, after cleaning up, when it ends or is not ready in time, or
 *  when the signal aborts. */
export async function startApp(
  { name, entry, env, readyUrl, log, graceMs, nodeOptions }: App,
  { signal, onSpawn }: { signal: AbortSignal; onSpawn: (pid: number) => void },
): Promise<Running> {
  const followParent = import.meta.resolve('./follow-parent.js');
  const child = spawn(process.execPath, ['--enable-source-maps', ...nodeOptions, '--import', followParent, entry], {
    env,
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
  });
  child.once('error', () => undefined); // detected by the missing pid
  if (child.pid === undefined) throw new PlainError(`${name} cannot be started.`);
  const { pid } = child;
  onSpawn(pid);

  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const exited = once(child, 'exit').then(() => ({ lastLines: lastLines(log.file) }));
  const stop = async () => {
    if (ended()) return;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(kill);
  };

  const until = Date.now() + bootMs;
  while (!ended() && !signal.aborted && Date.now() < until) {
    if (await isReady(readyUrl)) return { pid, exited, stop };
    await delay(25);
  }
  const why = ended() ? 'ended at once' : `is not ready after ${bootMs / 1000} s`;
  await stop();
  signal.throwIfAborted();
  throw new PlainError([`${name} ${why}. Its log, ${log.file}, ends with:`, ...lastLines(log.file)].join('\n    '));
}

/** Whether the URL responds with 2xx within two seconds. Never throws. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // it does not listen yet
  }
}
