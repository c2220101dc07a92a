import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { isReady } from './start-app.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const APPS = ['apps/api', 'apps/worker', 'apps/board', 'apps/demo'];

/** Compiles packages and apps whenever a source changes (then the stack's processes restart, see start-app.ts), and serves the
 *  console from its sources with hot reload. Type errors appear in this terminal. Returns the console's URL once it responds.
 *  Only works in a clone of the repository. */
export async function watchSources({
  apiUrl,
  port,
  signal,
  undo,
}: {
  apiUrl: string;
  port: number;
  signal: AbortSignal;
  undo: (() => unknown)[];
}): Promise<string> {
  const start = (cwd: string, script: string, args: string[], stdout: 'inherit' | 'ignore') => {
    const child = spawn(process.execPath, [`${root}/node_modules/${script}`, ...args], {
      cwd: `${root}/${cwd}`,
      env: { ...process.env, API_URL: apiUrl },
      stdio: ['ignore', stdout, 'inherit'],
      detached: true, // a process group, since tsc runs its compiler as a child
    });
    undo.push(() => end(child));
  };
  // Then tsc compiles these apps again and replaces their bundles (apps/cli/bundle.mjs), which do not follow the sources.
  for (const app of ['api', 'worker']) rmSync(`${root}/apps/${app}/dist/.tsbuildinfo`, { force: true });
  start('.', 'typescript/bin/tsc', ['-b', '--watch', '--preserveWatchOutput', ...APPS], 'inherit');
  start('apps/console', 'vite/bin/vite.js', ['--host', '127.0.0.1', '--port', String(port), '--strictPort'], 'ignore');
  const url = `http://127.0.0.1:${port}/`;
  while (!(await isReady(url))) await delay(100, undefined, { signal });
  return url;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await exited;
}
