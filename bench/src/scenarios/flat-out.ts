import type { Dialect } from '../dialect.js';
import { newPayload, now, publishFlatOut } from '../load.js';
import { BARE } from '../open-ceilings.js';
import type { Case, Scenario, Tools } from '../scenario.js';

/** Concurrent requests. */
const AT_ONCE = 64;
const BATCH = 100;
const SINGLE = 'one event per request';

export const flatOut: Scenario = {
  name: 'flat-out',
  about: 'Publishes as fast as possible, with one event and with 100 events per request, while workers deliver.',
  maxMinutes: 30,
  async prepare(tools) {
    const system = await tools.openSystem();
    const ceilings = await tools.openCeilings();
    const events = tools.isQuick ? 2_000 : 20_000;
    return [
      ...(await openFlatOutCases(tools, system, { events })),
      ...ceilings.drain(events),
      ...ceilings.undiciAlone(events),
    ];
  },
  goals(medians) {
    const [reached, ceiling] = [medians(SINGLE, 'perSecond'), medians(BARE, 'perSecond')];
    const [systemUs, redisUs] = [medians(SINGLE, 'systemUs'), medians(SINGLE, 'redisUs')];
    const walBytes = medians(SINGLE, 'walBytes');
    return [
      {
        what: 'one event per request, against a backlog of BullMQ + undici',
        found: reached === null || ceiling === null ? null : reached / ceiling,
        wanted: { atLeast: 0.7 },
      },
      {
        what: 'CPU ms per delivery, all processes',
        found: systemUs === null ? null : systemUs / 1_000,
        wanted: { atMost: 0.8 },
      },
      { what: 'CPU µs of Postgres per delivery', found: medians(SINGLE, 'postgresUs'), wanted: { atMost: 250 } },
      { what: 'CPU µs of Redis per delivery', found: redisUs, wanted: { atMost: 30 } },
      { what: 'B-tree inserts per delivery', found: medians(SINGLE, 'indexInserts'), wanted: { atMost: 9 } },
      {
        what: 'bytes of WAL per delivery, without the payload',
        found: walBytes === null ? null : walBytes - newPayload(0).length,
        wanted: { atMost: 1_500 },
      },
      { what: 'statements per delivery', found: medians(SINGLE, 'statements'), wanted: { atMost: 1 } },
    ];
  },
};

/** Measures from the first publish to the last arrival; also in batches if the system has them. */
export async function openFlatOutCases(
  { sink, signal, openMeter }: Tools,
  system: Dialect,
  { events, prefix = '' }: { events: number; prefix?: string },
): Promise<Case[]> {
  const endpoint = `${prefix}flat-out`.replaceAll(' ', '-');
  const channel = await system.subscribe([sink.url(endpoint)]);
  const meter = await openMeter(system);

  async function measure(total: number, publishAll: () => Promise<void>) {
    await sink.reset(endpoint);
    const metering = await meter.start();
    const start = now();
    await publishAll();
    const { lastAt } = await sink.untilReceived(endpoint, total, signal);
    return { perSecond: total / ((lastAt - start) / 1_000), ...(await metering.stop(total)) };
  }
  const single = (total: number) =>
    measure(total, () =>
      publishFlatOut({ publish: (n) => system.publish(channel, newPayload(n)), total, atOnce: AT_ONCE, signal }),
    );
  const batch = (total: number) =>
    measure(total, () =>
      publishFlatOut({
        publish: async () =>
          system.publishBatch?.(
            channel,
            Array.from({ length: BATCH }, (_, n) => newPayload(n)),
          ),
        total: total / BATCH,
        atOnce: 4,
        signal,
      }),
    );
  return [
    { name: `${prefix}${SINGLE}`, warmUp: () => single(Math.min(events, 2_000)), measure: () => single(events) },
    ...(system.publishBatch
      ? [
          {
            name: `${prefix}${BATCH} events per request`,
            warmUp: () => batch(Math.min(events, 2_000)),
            measure: () => batch(events),
          },
        ]
      : []),
  ];
}
