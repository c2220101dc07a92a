import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { endProcess, waitFor } from '@posthorn/testing';
import type { Rig } from './rig.js';
import { BOTH, REDIS, type Scenario, type Tools } from './scenario.js';
import { flush } from './break-stores.js';

export const processScenarios: Scenario[] = [
  {
    name: 'API killed (kill -9)',
    backends: BOTH,
    short: REDIS,
    async run(rig, { injectFault }) {
      injectFault(() => rig.api.kill('SIGKILL'));
      await rig.startApi();
    },
  },
  {
    name: 'one of two workers killed during POSTs, three times',
    backends: BOTH,
    short: BOTH,
    async run(rig, { injectFault, random }) {
      for (let times = 0; times < 3; times += 1) {
        await pause(random() * 1_000);
        killOne(rig, { injectFault, random });
        await rig.startWorker();
      }
    },
  },
  {
    name: 'all workers killed, 10 s without any',
    backends: BOTH,
    async run(rig, { injectFault }) {
      killAll(rig, { injectFault });
      await pause(10_000);
      await startTwo(rig);
    },
  },
  {
    name: 'the workers of one delivery killed, three times (L8)',
    backends: BOTH,
    async run(rig, { injectFault }) {
      const slow = async () => (await rig.seen(0)).filter(({ path }) => path === '/slow');
      // The slow endpoint responds after two seconds, which is enough time to find a POST in flight.
      const victim = await waitFor(async () => (await slow()).findLast(({ doneAt }) => doneAt === null), {
        what: 'a POST to the slow endpoint',
      });
      for (let times = 1; times <= 3; times += 1) {
        // An attempt may arrive only when its lease has ended, after a minute, and it may arrive twice.
        await waitFor(async () => (await slow()).filter(({ id }) => id === victim.id).length >= times, {
          timeoutMs: 180_000,
          what: `attempt ${times} of the delivery`,
        });
        killAll(rig, { injectFault });
        await startTwo(rig);
      }
    },
  },
  ...[20_000, 60_000].map((stoppedMs): Scenario => {
    return {
      name: `a worker stopped for ${stoppedMs / 1_000} s (SIGSTOP), then continued (D6, D8)`,
      backends: BOTH,
      async run(rig, { injectFault }) {
        const [worker] = rig.workers;
        injectFault(() => worker?.kill('SIGSTOP'));
        await pause(stoppedMs);
        injectFault(() => worker?.kill('SIGCONT'));
      },
    };
  }),
  {
    name: 'FLUSHALL, and a worker killed in the same second',
    backends: REDIS,
    async run(rig, { injectFault, random }) {
      await flush(rig, { injectFault });
      await pause(random() * 1_000);
      killOne(rig, { injectFault, random });
      await rig.startWorker();
    },
  },
  {
    name: 'everything restarted gracefully, one after the other',
    backends: BOTH,
    async run(rig, { injectFault }) {
      for (const worker of rig.workers.slice()) {
        await rig.startWorker();
        rig.workers.splice(rig.workers.indexOf(worker), 1);
        await injectFault(() => endProcess(worker));
      }
      await injectFault(() => endProcess(rig.api));
      await rig.startApi();
      if (rig.redis) {
        await injectFault(() => rig.redis?.server.stop());
        await rig.redis.start();
      }
      await injectFault(() => rig.postgres.stop());
      await rig.startPostgres();
    },
  },
];

function killOne(rig: Rig, { injectFault, random }: Pick<Tools, 'injectFault' | 'random'>): void {
  const [worker] = rig.workers.splice(Math.floor(random() * rig.workers.length), 1);
  injectFault(() => worker?.kill('SIGKILL'));
}

function killAll(rig: Rig, { injectFault }: Pick<Tools, 'injectFault'>): void {
  const workers: ChildProcess[] = rig.workers.splice(0);
  injectFault(() => {
    for (const worker of workers) worker.kill('SIGKILL');
  });
}

async function startTwo(rig: Rig): Promise<void> {
  await Promise.all([rig.startWorker(), rig.startWorker()]);
}
