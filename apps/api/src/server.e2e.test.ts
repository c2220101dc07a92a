import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { findFreePort } from '@posthorn/embedded';
import { openDatabase, putAccount } from '@posthorn/core';
import { cloneDatabase, type ClonedDatabase, isWaitingForLock, waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

// Runs the built process: run npm run build first.
const SERVER = new URL('../dist/server.js', import.meta.url).pathname;
const OPERATOR_KEY = 'Yb3kq0vTn5Wf8sLr2cXhJ7mP';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let database: ClonedDatabase;
const children: ChildProcess[] = [];
beforeAll(async () => void (database = await cloneDatabase(inject('templateDatabaseUrl'))));
afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await database.drop();
});

/** Starts the API. `output` grows with what it writes; `ended` resolves with its exit code once `output` is complete. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [SERVER], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'pipe' });
  children.push(child);
  const running = { child, output: '', ended: once(child, 'close').then(([code]) => code as number | null) };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (running.output += chunk.toString()));
  return running;
}

async function startApi(env: Record<string, string> = {}) {
  const port = String(await findFreePort());
  const running = start({
    DATABASE_URL: database.url,
    QUEUE_BACKEND: 'postgres',
    API_HOST: '127.0.0.1',
    API_PORT: port,
    POSTHORN_OPERATOR_KEY: OPERATOR_KEY,
    POSTHORN_ENCRYPTION_KEY: '3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=',
    SHUTDOWN_DELAY_MS: '0',
    ...env,
  });
  const url = `http://127.0.0.1:${port}`;
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(url + path, {
      ...init,
      headers: { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'application/json' },
    });
  await waitFor(
    () =>
      ask('/readyz').then(
        ({ ok }) => ok,
        () => false,
      ),
    { what: 'the API to be ready' },
  );
  return { ...running, ask, output: () => running.output };
}

describe('the process', () => {
  it('prints all problems of its settings at once, and exits with 1', async () => {
    const api = start({ API_PORT: 'many', POSTHORN_OPERATOR_KEY: 'hunter2' });
    expect(await api.ended).toBe(1);
    for (const name of ['DATABASE_URL', 'API_PORT', 'POSTHORN_OPERATOR_KEY', 'POSTHORN_ENCRYPTION_KEY'])
      expect(api.output).toContain(name);
    expect(api.output).not.toContain('hunter2');
  });

  it('does not start while a migration is pending, and prints the command', async () => {
    const behind = await cloneDatabase(inject('templateDatabaseUrl'));
    const db = openDatabase({ url: behind.url, applicationName: 'test', maxConnections: 1, log: silent });
    await db.pool.query('DELETE FROM _prisma_migrations');
    await db.close();
    const api = start({
      DATABASE_URL: behind.url,
      QUEUE_BACKEND: 'postgres',
      POSTHORN_OPERATOR_KEY: OPERATOR_KEY,
      POSTHORN_ENCRYPTION_KEY: '3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=',
    });
    expect(await api.ended).toBe(1);
    expect(api.output).toContain('npm run db:migrate');
    await behind.drop();
  });

  it('after SIGTERM: /readyz is 503 immediately, open requests are served, and it exits with 0; its JSON log has no secrets', async () => {
    const api = await startApi({ SHUTDOWN_DELAY_MS: '1500' });
    const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
    await putAccount({ db }, { id: 'acme' });
    const lock = await db.pool.connect();
    await lock.query('BEGIN');
    await lock.query('LOCK TABLE events IN EXCLUSIVE MODE');
    const published = api.ask('/v1/accounts/acme/events', {
      method: 'POST',
      body: '{"event":"message:created","payload":{}}',
    });
    await waitFor(() => isWaitingForLock(db.pool));

    api.child.kill('SIGTERM');
    await waitFor(async () => (await api.ask('/readyz')).status === 503);
    expect((await api.ask('/livez')).status).toBe(200);
    await waitFor(
      () =>
        api.ask('/livez').then(
          () => false,
          () => true,
        ),
      { what: 'the port to close' },
    );
    expect(api.child.exitCode).toBe(null);
    await lock.query('ROLLBACK');
    lock.release();
    expect((await published).status).toBe(202);
    expect(await api.ended).toBe(0);
    expect(await db.prisma.event.count({ where: { accountId: 'acme' } })).toBe(1);
    await db.close();

    const lines = api.output().trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(
      expect.arrayContaining(['api.listening', 'request', 'shutdown.done']),
    );
    expect(api.output()).not.toContain(OPERATOR_KEY);
    expect(api.output()).not.toContain('postgres://');
  });
});
