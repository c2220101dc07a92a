import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { makeScratchFolder, waitFor } from '@posthorn/testing';
import { expect, test } from 'vitest';
import { askRedis, findRedisServer } from './start-redis.js';
import { startRedisSentinels } from './start-redis-sentinels.js';

const LONGER_THAN_TILT_TRIGGER_MS = 2_500;

test.runIf(findRedisServer() !== null)(
  'Sentinels name the replica after the primary died, also if they could not run for a while then',
  async () => {
    const directory = makeScratchFolder();
    const sentinels = await startRedisSentinels({ directory });
    if (!sentinels) throw new Error('this machine has no redis-server');
    const pids = await Promise.all(sentinels.ports.map(processAt));
    const old = await sentinels.findPrimary();
    process.kill(old.current.pid, 'SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await delay(LONGER_THAN_TILT_TRIGGER_MS);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await waitFor(async () => (await sentinels.findPrimary()) !== old, { what: 'the Sentinels to name the replica' });
    await sentinels.stop();
    rmSync(directory, { recursive: true, force: true });
  },
);

async function processAt(port: number): Promise<number> {
  const pid = Number(/process_id:(\d+)/.exec(await askRedis(port, 'INFO server', { timeoutMs: 60_000 }))?.[1]);
  expect(pid).toBeGreaterThan(0);
  return pid;
}
