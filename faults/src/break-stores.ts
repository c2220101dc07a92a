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
      async strike(rig, { blow }) {
        await blow(() => rig.redis?.server.stop());
        await pause(awayMs);
        await rig.redis?.start();
      },
    };
  }),
  {
    name: 'Redis killed (kill -9), started at once',
    backends: REDIS,
    async strike(rig, { blow }) {
      await killRedis(rig, { blow });
      await rig.redis?.start();
    },
  },
  {
    name: 'Redis killed, the end of its append file lost (L4)',
    backends: REDIS,
    async strike(rig, { blow, random }) {
      await killRedis(rig, { blow });
      const folder = join(rig.redis?.folder ?? '', 'data', 'appendonlydir');
      const file = readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '';
      const { size } = statSync(join(folder, file));
      // A fifth at most: some seconds of work, and it ends in the middle of a command.
      truncateSync(join(folder, file), Math.floor(size * (1 - random() / 5)));
      await rig.redis?.start();
    },
  },
  {
    name: 'FLUSHALL',
    backends: REDIS,
    strike: (rig, { blow }) => flush(rig, { blow }),
  },
  {
    name: 'Redis away for 10 s and back empty',
    backends: REDIS,
    async strike(rig, { blow }) {
      await flush(rig, { blow });
      await blow(() => rig.redis?.server.stop());
      await pause(10_000);
      await rig.redis?.start();
    },
  },
  {
    name: 'disk full under the append file of Redis',
    backends: REDIS,
    isForSingleRedis: true, // the disk has room for one server
    needs: { smallDisk: true },
    async strike(rig, { blow, isLong }) {
      const redis = new Redis(rig.redis?.server.url ?? '');
      redis.on('error', () => {});
      blow(() => rig.disk?.fill());
      // Redis writes on in memory until its file refuses; then it takes no command that writes.
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
      async strike(rig, { blow }) {
        await blow(() => rig.postgres.stop());
        await pause(awayMs);
        await rig.startPostgres();
      },
    };
  }),
  {
    name: 'Postgres killed (kill -9), started at once',
    backends: BOTH,
    async strike(rig, { blow }) {
      blow(() => process.kill(rig.postgres.pid, 'SIGKILL'));
      await rig.postgres.exited;
      await rig.startPostgres();
    },
  },
];

/** The queue loses its memory. */
export async function flush(rig: Rig, { blow }: Pick<Tools, 'blow'>): Promise<void> {
  const servers = (rig.redis?.urls() ?? []).map((url) => new Redis(url));
  await Promise.all(servers.map((redis) => redis.ping()));
  await blow(() => Promise.all(servers.map((redis) => redis.flushall())));
  for (const redis of servers) redis.disconnect();
}

async function killRedis(rig: Rig, { blow }: Pick<Tools, 'blow'>): Promise<void> {
  blow(() => process.kill(rig.redis?.server.pid ?? 0, 'SIGKILL'));
  await rig.redis?.server.exited;
}
