import type { Dialect } from '../dialect.js';
import { bareAt } from '../open-ceilings.js';
import { openSteadyLoad } from '../open-steady-load.js';
import type { Case, Scenario, Tools } from '../scenario.js';

const RATES = [50, 200, 1_000];

export const steady: Scenario = {
  name: 'steady',
  about: 'Publishes 50, 200 and 1,000 events per second to one subscription: latency and cost.',
  maxMinutes: 30,
  async prepare(tools) {
    const system = await tools.openSystem();
    const ceilings = await tools.openCeilings();
    const seconds = tools.isQuick ? 4 : 20;
    const steadyCases = await openSteadyCases(tools, system, { rates: RATES, seconds });
    return RATES.flatMap((rate, at) => [...steadyCases.slice(at, at + 1), ...ceilings.steady({ rate, seconds })]);
  },
  goals(medians) {
    const p50 = medians('200/s', 'p50Ms');
    const bare = medians(bareAt(200), 'p50Ms');
    const cpuMs = (rate: number) => {
      const us = medians(`${rate}/s`, 'systemUs');
      return us === null ? null : us / 1_000;
    };
    return [
      { what: '200/s: p50 ms', found: p50, wanted: { atMost: 5 } },
      { what: '200/s: p95 ms', found: medians('200/s', 'p95Ms'), wanted: { atMost: 12 } },
      { what: '200/s: p99 ms', found: medians('200/s', 'p99Ms'), wanted: { atMost: 25 } },
      {
        what: '200/s: p50 against BullMQ + undici at that rate',
        found: p50 === null || bare === null ? null : p50 / bare,
        wanted: { atMost: 2.5 },
      },
      { what: '200/s: CPU ms per delivery', found: cpuMs(200), wanted: { atMost: 2.5 } },
      { what: '50/s: CPU ms per delivery', found: cpuMs(50), wanted: { atMost: 5 } },
      { what: '50/s: wake-ups of the API per delivery', found: medians('50/s', 'apiWakes'), wanted: { atMost: 4 } },
      {
        what: '50/s: wake-ups of the worker per delivery',
        found: medians('50/s', 'workerWakes'),
        wanted: { atMost: 5 },
      },
      { what: '50/s: reads of the worker per delivery', found: medians('50/s', 'workerReads'), wanted: { atMost: 4 } },
      {
        what: '50/s: writes of the worker per delivery',
        found: medians('50/s', 'workerWrites'),
        wanted: { atMost: 4 },
      },
    ];
  },
};

/** One case per rate, all on one channel. */
export async function openSteadyCases(
  tools: Tools,
  system: Dialect,
  { rates, seconds, prefix = '' }: { rates: number[]; seconds: number; prefix?: string },
): Promise<Case[]> {
  const { run } = await openSteadyLoad(tools, system, { endpoint: `${prefix}steady`.replaceAll(' ', '-') });
  return rates.map((rate) => ({
    name: `${prefix}${rate}/s`,
    // As long as the measurement, since V8 compiles during the first thousands of deliveries, which takes a third of the CPU.
    warmUp: () => run({ rate, seconds }),
    measure: () => run({ rate, seconds }),
  }));
}
