import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const READY_WITHIN_MS = 120_000;

export interface ProcessOptions {
  /** The JavaScript file to run. */
  file: string;
  /** The complete environment of the process. */
  env: Record<string, string>;
  /** Requested until it returns 200. */
  readyUrl: string;
  /** Called for each line of output. */
  onLine?: (line: string) => void;
}

/** Starts one of our apps as a separate process; resolves when it is ready. If it ends first, or is not ready within 120 s (which
 *  means that it hangs), throws its last lines. */
export async function startProcess({ file, env, readyUrl, onLine }: ProcessOptions): Promise<ChildProcess> {
  // The channel makes the process end with this one, however this one ends.
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

/** Ends a process as an orchestrator does: SIGTERM, and SIGKILL after 60 s. Resolves when it has ended. An ended process is not an
 *  error, and a stopped one (SIGSTOP) is continued first. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}
