import { newPayload, publishFlatOut } from '../load.js';
import type { Case, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';

const COUNTS = [1, 2, 4];
const BATCH = 100;
const nameOf = (count: number) => (count === 1 ? '1 worker' : `${count} workers`);

export const workers: Scenario = {
  name: 'workers',
  about:
    'Publishes and delivers with 1, 2 and 4 worker processes; the CPU per delivery must not grow with their number.',
  needsPosthorn: true,
  maxMinutes: 30,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn();
    const cases: Case[] = [];
    // One after the other: each meter creates the extensions that it needs.
    for (const count of COUNTS) cases.push(await openCase(tools, posthorn, count));
    return cases;
  },
  goals(medians) {
    const [one, four] = [medians(nameOf(1), 'systemUs'), medians(nameOf(4), 'systemUs')];
    return [
      {
        what: 'CPU per delivery with 4 workers, against 1',
        found: one === null || four === null ? null : four / one,
        wanted: { atMost: 1.15 },
      },
    ];
  },
};

async function openCase({ sink, signal, openMeter, isQuick }: Tools, posthorn: Posthorn, count: number): Promise<Case> {
  const endpoint = `workers-${count}`;
  const channel = await posthorn.subscribe([sink.url(endpoint)]);
  const meter = await openMeter(posthorn);

  async function deliver(events: number): Promise<{ perSecond: number }> {
    await sink.reset(endpoint);
    const from = performance.now();
    await publishFlatOut({
      publish: () =>
        posthorn.publishBatch(
          channel,
          Array.from({ length: BATCH }, (_, n) => newPayload(n)),
        ),
      total: events / BATCH,
      atOnce: 4,
      signal,
    });
    await sink.untilReceived(endpoint, events, signal);
    return { perSecond: events / ((performance.now() - from) / 1_000) };
  }

  return {
    name: nameOf(count),
    async measure() {
      await posthorn.stopWorkers();
      await posthorn.startWorkers(count);
      // Each worker compiles its code during its first thousands of deliveries, which is a cost of startup, not of many workers.
      await deliver((isQuick ? 2_000 : 10_000) * count);
      const events = isQuick ? 5_000 : 20_000;
      const metering = await meter.start();
      const speed = await deliver(events);
      return { ...speed, ...(await metering.stop(events)) };
    },
  };
}
