import { newPayload, publishFlatOut } from '../load.js';
import { BARE, measureBacklog, warmUpOf } from '../open-ceilings.js';
import type { Case, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';

const DRAIN = 'a backlog of one subscription';
const STRICT = 'a backlog of one subscription with a strict order';
const BATCH = 100;

export const drain: Scenario = {
  name: 'drain',
  about: 'Delivers a backlog that was published while no worker ran.',
  needsPosthorn: true,
  maxMinutes: 30,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn();
    const ceilings = await tools.openCeilings();
    const events = tools.isQuick ? 2_000 : 20_000;
    return [
      await openDrainCase(tools, posthorn, { events }),
      await openDrainCase(tools, posthorn, { events: events / 10, name: STRICT, ordering: 'strict' }),
      ...ceilings.drain(events),
      ...ceilings.undiciAlone(events),
    ];
  },
  goals(medians) {
    const [reached, ceiling] = [medians(DRAIN, 'perSecond'), medians(BARE, 'perSecond')];
    return [
      {
        what: 'a backlog, against BullMQ + undici',
        found: reached === null || ceiling === null ? null : reached / ceiling,
        wanted: { atLeast: 1 },
      },
    ];
  },
};

export async function openDrainCase(
  { sink, signal, openMeter }: Tools,
  posthorn: Posthorn,
  {
    events,
    prefix = '',
    name = DRAIN,
    ordering = 'none',
  }: { events: number; prefix?: string; name?: string; ordering?: 'none' | 'strict' },
): Promise<Case> {
  const endpoint = `${prefix}drain-${ordering}`.replaceAll(' ', '-');
  const channel = `${endpoint}-${Date.now()}`.replaceAll(/[^\w-]/g, ''); // the id of an account
  await posthorn.call('PUT', `/v1/accounts/${channel}`, '{}');
  await posthorn.addSubscription(channel, { url: sink.url(endpoint), ordering });
  const meter = await openMeter(posthorn);
  return {
    name: `${prefix}${name}`,
    async measure() {
      await posthorn.stopWorkers();
      await sink.reset(endpoint);
      await publishFlatOut({
        publish: () =>
          posthorn.publishBatch(
            channel,
            Array.from({ length: BATCH }, (_, n) => newPayload(n)),
          ),
        total: (warmUpOf(events) + events) / BATCH,
        atOnce: 4,
        signal,
      });
      await posthorn.startWorkers();
      return measureBacklog({ sink, endpoint, events, signal, meter });
    },
  };
}
