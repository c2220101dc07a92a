import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import type { Rig } from './rig.js';
import { BOTH, REDIS, type Scenario, type Tools } from './scenario.js';

export const storeScenarios: Scenario[] = [
  ...[5_000, 30_000, 60_000, 120_000].map((awayMs): Scenario => {
    return {
      name: `Redis away for ${awayMs / 1_000} s`,
      backends: REDIS,
      async run(rig, { injectFault }) {
        await injectFault(() => rig.redis?.server.stop());
        await pause(awayMs);
        await rig.redis?.start();
      },
    };
  }),
  {
    name: 'Redis killed (kill -9), started at once',
    backends: REDIS,
    async run(rig, { injectFault }) {
      await killRedis(rig, { injectFault });
      await rig.redis?.start();
    },
  },
  {
    name: 'Redis killed, the end of its append file lost (L4)',
    backends: REDIS,
    async run(rig, { injectFault, random }) {
      await killRedis(rig, { injectFault });
      const folder = join(rig.redis?.folder ?? '', 'data', 'appendonlydir');
      const file = readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '';
      const { size } = statSync(join(folder, file));
      // At most a fifth: some seconds of work, ending in the middle of a command.
      truncateSync(join(folder, file), Math.floor(size * (1 - random() / 5)));
      await rig.redis?.start();
    },
  },
  {
    name: 'FLUSHALL',
    backends: REDIS,
    run: (rig, { injectFault }) => flush(rig, { injectFault }),
  },
  {
    name: 'Redis away for 10 s and back empty',
    backends: REDIS,
    async run(rig, { injectFault }) {
      await flush(rig, { injectFault });
      await injectFault(() => rig.redis?.server.stop());
      await pause(10_000);
      await rig.redis?.start();
    },
  },
  {
    name: 'disk full under the append file of Redis',
    backends: REDIS,
    isForSingleRedis: true, // the disk only has room for one server
    needs: { smallDisk: true },
    async run(rig, { injectFault, isLong }) {
      const redis = new Redis(rig.redis?.server.url ?? '');
      redis.on('error', () => {});
      injectFault(() => rig.disk?.fill());
      // Redis writes in memory until its file is full; then it refuses commands that write.
      await waitFor(async () => /MISCONF/.test(await redis.set('probe', '1').catch(String)), {
        what: 'Redis to refuse writes',
      });
      await pause(isLong ? 30_000 : 4_000);
      rig.disk?.free();
      redis.disconnect();
    },
  },
  ...[5_000, 30_000, 60_000, 120_000].map((awayMs): Scenario => {
    return {
      name: `Postgres away for ${awayMs / 1_000} s`,
      backends: BOTH,
      async run(rig, { injectFault }) {
        await injectFault(() => rig.postgres.stop());
        await pause(awayMs);
        await rig.startPostgres();
      },
    };
  }),
  {
    name: 'Postgres killed (kill -9), started at once',
    backends: BOTH,
    async run(rig, { injectFault }) {
      injectFault(() => process.kill(rig.postgres.pid, 'SIGKILL'));
      await rig.postgres.exited;
      await rig.startPostgres();
    },
  },
];

/** Makes the queue lose its data. */
export async function flush(rig: Rig, { injectFault }: Pick<Tools, 'injectFault'>): Promise<void> {
  const servers = (rig.redis?.urls() ?? []).map((url) => new Redis(url));
  await Promise.all(servers.map((redis) => redis.ping()));
  await injectFault(() => Promise.all(servers.map((redis) => redis.flushall())));
  for (const redis of servers) redis.disconnect();
}

async function killRedis(rig: Rig, { injectFault }: Pick<Tools, 'injectFault'>): Promise<void> {
  injectFault(() => process.kill(rig.redis?.server.pid ?? 0, 'SIGKILL'));
  await rig.redis?.server.exited;
}
