import { setTimeout as pause } from 'node:timers/promises';
import type { Weather } from '@posthorn/testing';
import { BOTH, REDIS, type Scenario } from './scenario.js';

/** Each lasts 30 s. */
const WEATHERS: { name: string; weather: Weather }[] = [
  { name: 'cut', weather: 'cut' },
  { name: 'a black hole', weather: 'blackhole' },
  { name: 'slow (50 ms each way)', weather: { slowMs: 50 } },
];

export const networkScenarios: Scenario[] = WEATHERS.flatMap(({ name, weather }): Scenario[] => [
  {
    name: `network between workers and Redis: ${name}`,
    backends: REDIS,
    isForSingleRedis: true,
    needs: { network: true },
    async strike(rig, { blow }) {
      blow(() => rig.toRedis?.set(weather));
      await pause(30_000);
      blow(() => rig.toRedis?.set('pass'));
    },
  },
  {
    name: `network between workers and Postgres: ${name}`,
    backends: BOTH,
    needs: { network: true },
    async strike(rig, { blow }) {
      blow(() => rig.toPostgres?.set(weather));
      await pause(30_000);
      blow(() => rig.toPostgres?.set('pass'));
    },
  },
]);
