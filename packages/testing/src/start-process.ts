import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const READY_WITHIN_MS = 120_000;

export interface ProcessOptions {
  /** The JavaScript file to run. */
  file: string;
  /** Its whole environment. */
  env: Record<string, string>;
  /** Asked until it answers 200. */
  readyUrl: string;
  /** Hears each line of its output. */
  onLine?: (line: string) => void;
}

/** Starts one of our apps as a process of its own; resolves when it is ready. Throws, with its last lines, if it ends
 *  before that or is not ready within 120 s, which only a process that hangs is not. */
export async function startProcess({ file, env, readyUrl, onLine }: ProcessOptions): Promise<ChildProcess> {
  // With a channel to us: it ends by itself when we are gone, however we went.
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trimEnd().split('\n')) {
        onLine?.(line);
        last.push(line);
      }
      last.splice(0, last.length - 20);
    });
  }
  for (const until = Date.now() + READY_WITHIN_MS; ; await delay(50)) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}:\n${last.join('\n')}`);
    if (Date.now() > until)
      throw new Error(`${file} was not ready within ${READY_WITHIN_MS / 1_000} s:\n${last.join('\n')}`);
    if ((await fetch(readyUrl).catch(() => null))?.status === 200) return child;
  }
}

/** Ends a process as an orchestrator does: SIGTERM, and after 60 s SIGKILL. Resolves when it is gone; a process
 *  that is gone already is no error, and a stopped one (SIGSTOP) is woken. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}
