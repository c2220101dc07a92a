import { setTimeout as pause } from 'node:timers/promises';
import { endProcess } from '@posthorn/testing';
import { Redis } from 'ioredis';
import type { Backend, Rig } from './rig.js';

/** One fault: `strike` breaks something and resolves when the part is back (or will never be missed). */
export interface Scenario {
  name: string;
  backends: Backend[];
  /** Part of the short form that CI runs. */
  isShort: boolean;
  /** `hit` is called at each blow, just before it. */
  strike(rig: Rig, tools: { hit: () => Promise<void>; random: () => number; outageMs: number }): Promise<void>;
}

const BOTH: Backend[] = ['redis', 'postgres'];
const REDIS: Backend[] = ['redis'];

export const scenarios: Scenario[] = [
  {
    name: 'no fault',
    backends: BOTH,
    isShort: false,
    strike: (_rig, { hit }) => hit(),
  },
  {
    name: 'API killed (kill -9)',
    backends: BOTH,
    isShort: true,
    async strike(rig, { hit }) {
      await hit();
      rig.api.kill('SIGKILL');
      await rig.startApi();
    },
  },
  {
    name: 'one of two workers killed in mid-POST, three times',
    backends: BOTH,
    isShort: true,
    async strike(rig, { hit, random }) {
      for (let times = 0; times < 3; times += 1) {
        await pause(200 + random() * 800);
        await hit();
        const [worker] = rig.workers.splice(random() < 0.5 ? 0 : rig.workers.length - 1, 1);
        worker?.kill('SIGKILL');
        await rig.startWorker();
      }
    },
  },
  {
    name: 'all workers killed',
    backends: BOTH,
    isShort: false,
    async strike(rig, { hit, outageMs }) {
      await hit();
      for (const worker of rig.workers.splice(0)) worker.kill('SIGKILL');
      await pause(outageMs / 3);
      await rig.startWorker();
      await rig.startWorker();
    },
  },
  {
    name: 'a worker stopped for 20 s (SIGSTOP), then on',
    backends: BOTH,
    isShort: false,
    async strike(rig, { hit, outageMs }) {
      await hit();
      rig.workers[0]?.kill('SIGSTOP');
      await pause(Math.max(20_000, outageMs));
      rig.workers[0]?.kill('SIGCONT');
    },
  },
  {
    name: 'Redis stopped',
    backends: REDIS,
    isShort: false,
    async strike(rig, { hit, outageMs }) {
      await hit();
      await rig.redis?.stop();
      await pause(outageMs);
      await hit();
      await rig.startRedis();
    },
  },
  {
    name: 'Redis killed (kill -9), started at once',
    backends: REDIS,
    isShort: true,
    async strike(rig, { hit }) {
      await hit();
      process.kill(rig.redis?.pid ?? 0, 'SIGKILL');
      await rig.redis?.exited;
      await rig.startRedis();
    },
  },
  {
    name: 'FLUSHALL',
    backends: REDIS,
    isShort: true,
    async strike(rig, { hit }) {
      const redis = new Redis(rig.redis?.url ?? '');
      await hit();
      await redis.flushall();
      redis.disconnect();
    },
  },
  {
    name: 'Redis restarted empty',
    backends: REDIS,
    isShort: false,
    async strike(rig, { hit, outageMs }) {
      await hit();
      const redis = new Redis(rig.redis?.url ?? '');
      await redis.flushall();
      redis.disconnect();
      await rig.redis?.stop();
      await pause(outageMs / 3);
      await hit();
      await rig.startRedis();
    },
  },
  {
    name: 'Postgres restarted',
    backends: BOTH,
    isShort: true,
    async strike(rig, { hit, outageMs }) {
      await hit();
      await rig.postgres.stop();
      await pause(outageMs / 3);
      await hit();
      await rig.startPostgres();
    },
  },
  {
    name: 'Postgres killed (kill -9)',
    backends: BOTH,
    isShort: false,
    async strike(rig, { hit }) {
      await hit();
      process.kill(rig.postgres.pid, 'SIGKILL');
      await rig.postgres.exited;
      await rig.startPostgres();
    },
  },
  ...(['cut', 'blackhole'] as const).flatMap((weather): Scenario[] => [
    {
      name: `network between workers and Redis: ${weather}`,
      backends: REDIS,
      isShort: false,
      async strike(rig, { hit, outageMs }) {
        await hit();
        rig.toRedis?.set(weather);
        await pause(outageMs);
        await hit();
        rig.toRedis?.set('pass');
      },
    },
    {
      name: `network between workers and Postgres: ${weather}`,
      backends: BOTH,
      isShort: false,
      async strike(rig, { hit, outageMs }) {
        await hit();
        rig.toPostgres.set(weather);
        await pause(outageMs);
        await hit();
        rig.toPostgres.set('pass');
      },
    },
  ]),
  {
    name: 'network between workers and both slowed by 50 ms',
    backends: BOTH,
    isShort: false,
    async strike(rig, { hit, outageMs }) {
      await hit();
      rig.toPostgres.set({ slowMs: 50 });
      rig.toRedis?.set({ slowMs: 50 });
      await pause(outageMs);
      rig.toPostgres.set('pass');
      rig.toRedis?.set('pass');
    },
  },
  {
    name: 'rolling restart of everything, one by one',
    backends: BOTH,
    isShort: false,
    async strike(rig, { hit }) {
      for (const worker of rig.workers.slice()) {
        await hit();
        await rig.startWorker();
        rig.workers.splice(rig.workers.indexOf(worker), 1);
        await endProcess(worker);
      }
      await hit();
      await endProcess(rig.api);
      await rig.startApi();
      await hit();
      await rig.redis?.stop();
      if (rig.redis) await rig.startRedis();
      await hit();
      await rig.postgres.stop();
      await rig.startPostgres();
    },
  },
];
