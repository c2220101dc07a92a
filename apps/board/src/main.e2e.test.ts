import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { afterEach, expect, inject, test } from 'vitest';

// Runs the built process.
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const OPERATOR_KEY = 'kR7wQz3XvB9mLp2TnY5cHd8sFg';

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

function start(env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env.PATH, BOARD_PORT: '0', ...env } });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, exited: once(child, 'exit') };
}

test('does not start without a password, and says why', async () => {
  const { output, exited } = start({ REDIS_URL: 'redis://127.0.0.1:1' });
  expect((await exited)[0]).toBe(1);
  expect(output()).toContain(
    'BOARD_PASSWORD or POSTHORN_OPERATOR_KEY is required: the board never runs without a login.',
  );
  expect(output()).not.toContain('    at ');
});

test('accepts the operator key as password, and exits with 0 on SIGTERM', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const { child, output, exited } = start({ DATABASE_URL: database.url, POSTHORN_OPERATOR_KEY: OPERATOR_KEY });
  const url = await waitFor(() => /"url":"(http:[^"]+)"/.exec(output())?.[1], { what: 'board.listening' });

  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const login = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { origin: url },
    body: new URLSearchParams({ password: OPERATOR_KEY }),
    redirect: 'manual',
  });
  expect([login.status, login.headers.get('set-cookie')]).toEqual([303, expect.stringContaining('posthorn_board=')]);
  expect(output()).not.toContain(OPERATOR_KEY);

  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  await database.drop();
});
