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
    async strike(rig, { blow }) {
      blow(() => rig.api.kill('SIGKILL'));
      await rig.startApi();
    },
  },
  {
    name: 'one of two workers killed amid POSTs, three times',
    backends: BOTH,
    short: BOTH,
    async strike(rig, { blow, random }) {
      for (let times = 0; times < 3; times += 1) {
        await pause(random() * 1_000);
        killOne(rig, { blow, random });
        await rig.startWorker();
      }
    },
  },
  {
    name: 'all workers killed, 10 s without any',
    backends: BOTH,
    async strike(rig, { blow }) {
      killAll(rig, { blow });
      await pause(10_000);
      await startTwo(rig);
    },
  },
  {
    name: 'the workers of one delivery killed, three times over (L8)',
    backends: BOTH,
    async strike(rig, { blow }) {
      const slow = async () => (await rig.seen(0)).filter(({ path }) => path === '/slow');
      // The slow receiver takes two seconds to answer: time enough to find a POST that is under way.
      const victim = await waitFor(async () => (await slow()).findLast(({ doneAt }) => doneAt === null), {
        what: 'a POST to the slow receiver',
      });
      for (let times = 1; times <= 3; times += 1) {
        await waitFor(async () => (await slow()).filter(({ id }) => id === victim.id).length === times, {
          timeoutMs: 60_000,
          what: `the delivery to be tried for the ${times}. time`,
        });
        killAll(rig, { blow });
        await startTwo(rig);
      }
    },
  },
  ...[20_000, 60_000].map((stoppedMs): Scenario => {
    return {
      name: `a worker stopped for ${stoppedMs / 1_000} s (SIGSTOP), then going on (D6, D8)`,
      backends: BOTH,
      async strike(rig, { blow }) {
        const [worker] = rig.workers;
        blow(() => worker?.kill('SIGSTOP'));
        await pause(stoppedMs);
        blow(() => worker?.kill('SIGCONT'));
      },
    };
  }),
  {
    name: 'FLUSHALL, and a worker killed in the same second',
    backends: REDIS,
    async strike(rig, { blow, random }) {
      await flush(rig, { blow });
      await pause(random() * 1_000);
      killOne(rig, { blow, random });
      await rig.startWorker();
    },
  },
  {
    name: 'everything restarted gracefully, one by one',
    backends: BOTH,
    async strike(rig, { blow }) {
      for (const worker of rig.workers.slice()) {
        await rig.startWorker();
        rig.workers.splice(rig.workers.indexOf(worker), 1);
        await blow(() => endProcess(worker));
      }
      await blow(() => endProcess(rig.api));
      await rig.startApi();
      if (rig.redis) {
        await blow(() => rig.redis?.server.stop());
        await rig.redis.start();
      }
      await blow(() => rig.postgres.stop());
      await rig.startPostgres();
    },
  },
];

function killOne(rig: Rig, { blow, random }: Pick<Tools, 'blow' | 'random'>): void {
  const [worker] = rig.workers.splice(Math.floor(random() * rig.workers.length), 1);
  blow(() => worker?.kill('SIGKILL'));
}

function killAll(rig: Rig, { blow }: Pick<Tools, 'blow'>): void {
  const workers: ChildProcess[] = rig.workers.splice(0);
  blow(() => {
    for (const worker of workers) worker.kill('SIGKILL');
  });
}

async function startTwo(rig: Rig): Promise<void> {
  await Promise.all([rig.startWorker(), rig.startWorker()]);
}
