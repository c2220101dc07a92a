import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markOf } from '@posthorn/embedded';
import { makeScratchFolder, waitFor } from '@posthorn/testing';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type LocalFile, readLocalFile } from './local-file.js';

// Runs the built command as `npm start` does, with its own data folder and free ports.
const dataDir = join(makeScratchFolder(), 'data');
const started: ChildProcess[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});
afterAll(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));

test('starts, delivers a first event and refuses a second stack; ends all processes after a SIGKILL and keeps its keys; restarts a process that ended at the same URL; leaves nothing running', async () => {
  const stack = startStack();
  await waitFor(() => stack.output().includes('message:created delivered to http://127.0.0.1:'), {
    what: `the first delivery:\n${stack.output()}`,
  });
  expect(stack.output()).toMatch(/\/webhook in \d+ ms, signature valid/);
  const local = localFile();
  expect(statSync(join(dataDir, 'local.json')).mode & 0o777).toBe(0o600);
  expect((await fetch(`${local.apiUrl}/readyz`)).status).toBe(200);
  expect(pidsOf(local).filter((pid) => markOf(pid) === null)).toEqual([]);

  const [, printed = ''] = /Sign in +(\S+)/.exec(stack.output()) ?? [];
  expect(printed).toContain(`${local.consoleUrl}sign-in#token=`);
  expect([await signIn(local, printed), await signIn(local, printed)]).toEqual([201, 401]);
  const another = await runCommand('sign-in');
  expect([another.code, await signIn(local, another.output.trim())]).toEqual([0, 201]);

  const second = startStack();
  expect(await second.exitCode()).toBe(1);
  expect(second.output()).toContain(`The local stack already runs in ${dataDir}, as process ${stack.pid}`);

  stack.kill('SIGKILL');
  await stack.exitCode();
  const third = startStack();
  const after = await third.up();
  expect(after.operatorKey).toBe(local.operatorKey);
  await waitFor(() => pidsOf(local).every((pid) => markOf(pid) === null), { what: 'the end of the first one' });

  process.kill(after.pids.board, 'SIGKILL');
  await waitFor(() => third.output().includes('Bull Board is up again.'), { what: 'the restart' });
  expect(third.output()).toContain('Bull Board ended unexpectedly; restarting it in 1 s.');
  // local.json is written after the message.
  const again = await waitFor(() => (localFile().pids.board === after.pids.board ? null : localFile()));
  expect(again.boardUrl).toBe(after.boardUrl);
  expect(markOf(again.pids.board)).not.toBeNull();

  third.kill('SIGINT');
  expect(await third.exitCode()).toBe(0);
  expect(pidsOf(again).filter((pid) => markOf(pid) !== null)).toEqual([]);
  expect(existsSync(join(dataDir, 'local.json'))).toBe(false);
});

test('does not start with an invalid setting: names the setting, exit code 1', async () => {
  const stack = startStack({ WORKERS: 'many', DELIVERY_TIMEOUT_MS: 'x' });
  expect(await stack.exitCode()).toBe(1);
  expect(stack.output()).toContain('WORKERS must be a whole number from 0 to 64');
  expect(stack.output()).toContain('DELIVERY_TIMEOUT_MS must be');
});

/** What the page behind a sign-in link does with its token. Returns the status. */
async function signIn({ apiUrl }: LocalFile, url: string): Promise<number> {
  const token = new URLSearchParams(new URL(url).hash.slice(1)).get('token');
  const response = await fetch(`${apiUrl}/v1/session/sign-in-link`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  return response.status;
}

async function runCommand(command: string): Promise<{ code: number | null; output: string }> {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, command], {
    env: { PATH: process.env['PATH'], POSTHORN_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  const [code] = await once(child, 'close');
  return { code: code as number | null, output };
}

function startStack(env: NodeJS.ProcessEnv = {}) {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'dev'], {
    env: {
      PATH: process.env['PATH'],
      POSTHORN_DATA_DIR: dataDir,
      API_PORT: '0',
      BOARD_PORT: '0',
      DEMO_PORT: '0',
      WORKERS: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const closed = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid,
    output: () => output,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    exitCode: () => closed,
    up: async (): Promise<LocalFile> => {
      await waitFor(() => output.includes('Demo  ') || child.exitCode !== null, {
        what: 'the stack',
      });
      if (child.exitCode !== null) throw new Error(output);
      return localFile();
    },
  };
}

function localFile(): LocalFile {
  const local = readLocalFile(dataDir);
  if (local === null) throw new Error('local.json does not exist.');
  return local;
}

function pidsOf({ pids }: LocalFile): number[] {
  const { workers, ...others } = pids;
  return [...workers, ...Object.values(others)].filter((pid) => pid !== null);
}
