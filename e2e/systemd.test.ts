import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { findFreePort, startRedis } from '@posthorn/embedded';
import { cloneDatabase, makeScratchFolder, waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { units } from '../deploy/units.js';
import { blocksFor, root } from './docs-blocks.js';

const run = promisify(execFile);

describe('the commands of deploy/systemd, with the settings of docs/systemd.md', () => {
  const started: ChildProcess[] = [];
  const closers: (() => Promise<unknown>)[] = [];
  let env: Record<string, string>;
  let ports: { api: string; worker: string; board: string };

  beforeAll(async () => {
    const database = await cloneDatabase(inject('templateDatabaseUrl'));
    closers.push(() => database.drop());
    const redis = inject('queueBackends').includes('redis')
      ? await startRedis({ directory: makeScratchFolder(), log: () => {} })
      : null;
    if (redis) closers.unshift(() => redis.stop());
    const free = () => findFreePort().then(String);
    ports = { api: await free(), worker: await free(), board: await free() };
    const [block] = blocksFor('e2e/systemd.test.ts');
    const file = Object.fromEntries((block?.code ?? '').split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    env = {
      ...file,
      DATABASE_URL: database.url,
      REDIS_URL: redis?.url ?? '',
      POSTHORN_OPERATOR_KEY: randomBytes(32).toString('hex'),
      POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      // Other tests use the usual ports, and no balancer has to notice a shutdown.
      API_PORT: ports.api,
      BOARD_PORT: ports.board,
      SHUTDOWN_DELAY_MS: '0',
    };
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    for (const close of closers) await close();
  });

  /** Starts ExecStart as systemd does: split at spaces, in the folder of the installation, with the variables of the unit and the file. */
  function start(name: string, instance = ''): ChildProcess {
    const unit = units.find(({ file }) => file === `${name}.service`);
    const words = unit?.values('ExecStart')[0]?.replace('%i', instance).split(' ') ?? [];
    const [command = '', ...args] = words.map((word) => word.replace('/usr/bin/node', process.execPath));
    const own = Object.fromEntries(unit?.values('Environment').map((pair) => pair.split('=')) ?? []);
    const child = spawn(command, args, { cwd: root, env: { ...own, ...env }, stdio: 'ignore' });
    started.push(child);
    return child;
  }

  it('migrate exits with 0; the API, a worker and Bull Board become healthy, and exit with 0 after SIGTERM', async () => {
    expect(await once(start('posthorn-migrate'), 'exit')).toEqual([0, null]);
    const processes = [
      { child: start('posthorn-api'), url: `http://127.0.0.1:${ports.api}/readyz` },
      { child: start('posthorn-worker@', ports.worker), url: `http://127.0.0.1:${ports.worker}/readyz` },
      { child: start('posthorn-board'), url: `http://127.0.0.1:${ports.board}/livez` },
    ];
    for (const { child, url } of processes) {
      await waitFor(async () => child.exitCode !== null || (await fetch(url).catch(() => null))?.ok === true, {
        what: url,
      });
      expect([url, child.exitCode]).toEqual([url, null]);
    }
    await run(process.execPath, ['apps/cli/dist/main.js', 'healthcheck', processes[1]?.url ?? ''], { cwd: root });
    for (const { child } of processes) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    }
  });
});
