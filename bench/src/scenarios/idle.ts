import { setTimeout as pause } from 'node:timers/promises';
import { openSteadyLoad } from '../open-steady-load.js';
import type { Scenario } from '../scenario.js';

const ALONE = 'a single event';

export const idle: Scenario = {
  name: 'idle',
  about: 'Publishes one event every 3 s, then nothing: latency without queueing, and the cost of waiting.',
  maxMinutes: 20,
  async prepare(tools) {
    const { openSystem, openMeter, isQuick } = tools;
    const system = await openSystem();
    const { run } = await openSteadyLoad(tools, system, { endpoint: 'idle' });
    const meter = await openMeter(system);
    return [
      {
        name: ALONE,
        warmUp: () => run({ rate: 100, seconds: 5 }),
        measure: () => run({ rate: 1 / 3, seconds: isQuick ? 9 : 60 }),
      },
      {
        name: 'nothing (costs per second)',
        async measure() {
          const seconds = isQuick ? 5 : 30;
          const metering = await meter.start();
          await pause(seconds * 1_000);
          const { systemUs = null, ...costs } = await metering.stop(seconds);
          return { idlePercent: systemUs === null ? null : systemUs / 10_000, systemUs, ...costs };
        },
      },
    ];
  },
  goals: (medians) => [{ what: 'a single event: p50 ms', found: medians(ALONE, 'p50Ms'), wanted: { atMost: 6 } }],
};
