import { setTimeout as pause } from 'node:timers/promises';
import { newPayload, now, publishSteadily } from '../load.js';
import { watchMemory } from '../meter.js';
import type { Case, Metrics, Scenario } from '../scenario.js';
import { percentiles } from '../statistics.js';

const SIZES = [10, 1_000, 10_000, 100_000];
const LARGEST = 100_000;
/** As for a million deliveries (`memory`). */
const MOST_MB = 250;
const QUICK_SIZES = [10, 1_000];
/** Events per second of another tenant, published meanwhile. */
const BESIDE_RATE = 50;
const BESIDE_ALONE = 'another tenant alone';
const caseOf = (size: number) => `1 event → ${size} subscriptions`;

export const fanOut: Scenario = {
  name: 'fan-out',
  about: 'Publishes one event for 10 to 100,000 subscriptions, beside another tenant.',
  maxMinutes: 60,
  async prepare({ openSystem, openMeter, sink, signal, isQuick }) {
    const system = await openSystem();
    const meter = await openMeter(system);
    const beside = await system.subscribe([sink.url('beside')]);

    /** Runs `work` beside another tenant for at least some seconds. Returns the p99 of the tenant's 202. */
    async function besideTenant(work: () => Promise<void>): Promise<number> {
      await sink.reset('beside');
      const done = new AbortController();
      const publish = (n: number) => system.publish(beside, newPayload(n));
      const total = BESIDE_RATE * 600;
      const workThenStop = async () => {
        await Promise.all([work(), pause(isQuick ? 2_000 : 10_000)]);
        done.abort();
      };
      const [acceptedMs] = await Promise.all([
        publishSteadily({ publish, rate: BESIDE_RATE, total, until: done.signal, signal }),
        workThenStop(),
      ]);
      await sink.untilReceived('beside', acceptedMs.length, signal);
      return percentiles(acceptedMs).p99Ms;
    }

    async function openCase(size: number): Promise<Case> {
      const endpoint = `fan-out-${size}`;
      const channel = await system.subscribe(Array.from({ length: size }, () => sink.url(endpoint)));
      async function measure(): Promise<Metrics> {
        await sink.reset(endpoint);
        let metrics: Metrics = {};
        const besideP99Ms = await besideTenant(async () => {
          await pause(500);
          const [metering, memory] = [await meter.start(), watchMemory(system)];
          const start = now();
          await system.publish(channel, newPayload(0));
          const acceptedMs = now() - start;
          const { lastAt } = await sink.untilReceived(endpoint, size, signal);
          const secondsToAll = (lastAt - start) / 1_000;
          const costs = await metering.stop(size);
          metrics = { acceptedMs, secondsToAll, perSecond: size / secondsToAll, ...costs, ...memory.stop() };
        });
        return { ...metrics, besideP99Ms };
      }
      return { name: caseOf(size), warmUp: measure, measure };
    }

    const alone = async () => ({ besideP99Ms: await besideTenant(async () => {}) });
    const cases: Case[] = [{ name: BESIDE_ALONE, warmUp: alone, measure: alone }];
    for (const size of isQuick ? QUICK_SIZES : SIZES) cases.push(await openCase(size));
    return cases;
  },
  goals(medians) {
    const alone = medians(BESIDE_ALONE, 'besideP99Ms');
    const times = SIZES.slice(1).flatMap((size) => {
      const [acceptedMs, besideMs] = [medians(caseOf(size), 'acceptedMs'), medians(caseOf(size), 'besideP99Ms')];
      return [
        { what: `${caseOf(size)}: ms to the 202`, found: acceptedMs, wanted: { atMost: 50 } },
        {
          what: `${caseOf(size)}: p99 of another tenant's 202, against alone`,
          found: alone === null || besideMs === null ? null : besideMs / alone,
          wanted: { atMost: 2 },
        },
      ];
    });
    const memory = (['api', 'worker'] as const).flatMap((part) => {
      const [most, tenth] = [medians(caseOf(LARGEST), `${part}Mb`), medians(caseOf(LARGEST / 10), `${part}Mb`)];
      return [
        { what: `${caseOf(LARGEST)}: MB of the ${part} at most`, found: most, wanted: { atMost: MOST_MB } },
        {
          what: `${caseOf(LARGEST)}: memory of the ${part}, against a tenth of the subscriptions`,
          found: most === null || tenth === null ? null : most / tenth,
          wanted: { atMost: 1.25 },
        },
      ];
    });
    return [...times, ...memory];
  },
};
