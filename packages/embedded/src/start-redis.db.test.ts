import { createConnection } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { markOf } from './process-mark.js';
import { startRedis, type EmbeddedRedis } from './start-redis.js';

const folder = mkdtempSync(join(tmpdir(), 'embedded-redis-'));
const directory = join(folder, 'redis');
let redis: EmbeddedRedis | null = null;

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  vi.unstubAllEnvs();
  await redis?.stop();
});

test('startRedis returns null on a machine with neither redis-server nor valkey-server', async () => {
  vi.stubEnv('PATH', '/nowhere');
  expect(await start()).toBeNull();
});

const onThisMachine = (await start()) !== null;
await stop();

test.runIf(onThisMachine)(
  'keeps its data across a restart, evicts nothing, and listens only on 127.0.0.1',
  async () => {
    await start();
    expect(await ask('SET kept 42')).toBe('+OK');
    await stop();
    await start();
    expect(await ask('GET kept')).toBe('$2 42');
    expect(await ask('CONFIG GET maxmemory-policy')).toContain('noeviction');
    expect(await ask('CONFIG GET bind')).toMatch(/ 127\.0\.0\.1$/);
  },
);

test.runIf(onThisMachine)('refuses a directory or a port in use with one sentence each', async () => {
  await start();
  await expect(start()).rejects.toThrow(`${directory} is in use by process ${process.pid}.`);
  const port = Number(new URL(redis?.url ?? '').port);
  const elsewhere = startRedis({ directory: join(folder, 'other'), port, log: () => undefined });
  await expect(elsewhere).rejects.toThrow(`Redis cannot start: port ${port} of 127.0.0.1 is in use.`);
});

async function start(): Promise<EmbeddedRedis | null> {
  const started = await startRedis({ directory, log: () => undefined });
  redis = started;
  return started;
}

async function stop(): Promise<void> {
  await redis?.stop();
  if (redis) expect(markOf(redis.pid)).toBeNull();
  redis = null;
}

/** Sends one command; returns the whole response on one line. */
function ask(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port: Number(new URL(redis?.url ?? '').port), host: '127.0.0.1' });
    socket.once('error', reject);
    socket.once('data', (response) => {
      resolve(response.toString().trim().replaceAll('\r\n', ' '));
      socket.destroy();
    });
    socket.write(`${command}\r\n`);
  });
}
