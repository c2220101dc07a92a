import { setTimeout as pause } from 'node:timers/promises';
import { newPayload, publishSteadily } from '../load.js';
import { type BadKind, openBadEndpoints } from '../open-bad-endpoints.js';
import { openSteadyLoad } from '../open-steady-load.js';
import type { Scenario } from '../scenario.js';

const HEALTHY = 20;
/** Events per second over all healthy endpoints, and to each of the others. */
const RATE = 100;
const RATE_TO_EACH = 10;
const BAD: BadKind[] = [
  ...Array.from({ length: 10 }, () => 'hang' as const),
  ...Array.from({ length: 5 }, () => 'drip' as const),
  ...Array.from({ length: 5 }, () => 'gigabyte' as const),
];
/** The load of the comparison with other systems. */
const SLOW_RATE = 50;
const HANGING: BadKind[] = Array.from({ length: 10 }, () => 'hang' as const);
const ALONE = '20 healthy endpoints alone';
const BESIDE_BAD = 'beside 20 bad ones';
/** The cost of the additional deliveries when their endpoints are healthy. */
const BESIDE_HANGING = `${SLOW_RATE}/s beside 10 that hang`;
const BESIDE_HEALTHY = 'beside 20 that respond at once';

export const neighbours: Scenario = {
  name: 'neighbours',
  about:
    'Delivers to 20 healthy endpoints beside 20 bad ones: 10 hang, 5 send a byte per second, 5 send gigabytes; and beside 10 that hang.',
  maxMinutes: 40,
  async prepare(tools) {
    const { openSystem, signal, isQuick, closeLater } = tools;
    const system = await openSystem();
    const endpoints = await openBadEndpoints();
    closeLater(() => endpoints.close());
    const healthy = await openSteadyLoad(tools, system, { endpoint: 'healthy', channels: HEALTHY });
    const load = { rate: RATE, seconds: isQuick ? 5 : 30 };

    /** Measures the healthy endpoints while others get their events, which start 2 s earlier. */
    async function measureBeside(kinds: BadKind[], own = load) {
      const others = await Promise.all(kinds.map((kind) => system.subscribe([endpoints.url(kind)])));
      const rate = RATE_TO_EACH * kinds.length;
      const done = new AbortController();
      async function measureThenStop() {
        await pause(2_000);
        const metrics = await healthy.run(own);
        done.abort();
        return metrics;
      }
      const publish = (n: number) => system.publish(others[n % others.length] ?? '', newPayload(n));
      const total = rate * 600;
      const [metrics] = await Promise.all([
        measureThenStop(),
        publishSteadily({ publish, rate, total, until: done.signal, signal }),
      ]);
      await Promise.all(others.map(async (channel) => system.unsubscribe?.(channel)));
      await pause(isQuick ? 2_000 : 16_000); // hanging attempts end
      return metrics;
    }
    return [
      { name: ALONE, warmUp: () => healthy.run({ rate: RATE, seconds: 5 }), measure: () => healthy.run(load) },
      { name: BESIDE_BAD, measure: () => measureBeside(BAD) },
      { name: BESIDE_HANGING, measure: () => measureBeside(HANGING, { ...load, rate: SLOW_RATE }) },
      { name: BESIDE_HEALTHY, measure: () => measureBeside(BAD.map(() => 'at-once')) },
    ];
  },
  goals(medians) {
    const [alone, beside] = [medians(ALONE, 'p99Ms'), medians(BESIDE_BAD, 'p99Ms')];
    return [
      {
        what: 'p99 beside 20 bad endpoints, against alone',
        found: alone === null || beside === null ? null : beside / alone,
        wanted: { atMost: 2 },
      },
    ];
  },
};
