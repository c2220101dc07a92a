import { setTimeout as pause } from 'node:timers/promises';
import type { NetworkState } from '@posthorn/testing';
import { BOTH, REDIS, type Scenario } from './scenario.js';

/** Each lasts for 30 s. */
const NETWORK_STATES: { name: string; state: NetworkState }[] = [
  { name: 'cut', state: 'cut' },
  { name: 'a black hole', state: 'blackhole' },
  { name: 'slow (50 ms each way)', state: { slowMs: 50 } },
];

export const networkScenarios: Scenario[] = NETWORK_STATES.flatMap(({ name, state }): Scenario[] => [
  {
    name: `network between workers and Redis: ${name}`,
    backends: REDIS,
    isForSingleRedis: true,
    needs: { network: true },
    async run(rig, { injectFault }) {
      injectFault(() => rig.toRedis?.set(state));
      await pause(30_000);
      injectFault(() => rig.toRedis?.set('pass'));
    },
  },
  {
    name: `network between workers and Postgres: ${name}`,
    backends: BOTH,
    needs: { network: true },
    async run(rig, { injectFault }) {
      injectFault(() => rig.toPostgres?.set(state));
      await pause(30_000);
      injectFault(() => rig.toPostgres?.set('pass'));
    },
  },
]);
