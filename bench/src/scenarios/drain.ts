import { newPayload, publishFlatOut } from '../load.js';
import { openMeter } from '../meter.js';
import { BARE, measureBacklog } from '../open-ceilings.js';
import type { Case, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';

const DRAIN = 'a backlog of one subscription';
const BATCH = 100;

export const drain: Scenario = {
  name: 'drain',
  about: 'Delivers a backlog that was published while no worker ran.',
  needsPosthorn: true,
  maxMinutes: 30,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn();
    const ceilings = await tools.openCeilings();
    const events = tools.isQuick ? 1_500 : 20_000;
    return [
      await openDrainCase(tools, posthorn, { events }),
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

/** `workers`: how many to start. Default: as many as Posthorn had at the start. */
export async function openDrainCase(
  { sink, signal, closeLater }: Tools,
  posthorn: Posthorn,
  { events, prefix = '', name = DRAIN, workers }: { events: number; prefix?: string; name?: string; workers?: number },
): Promise<Case> {
  const endpoint = `${prefix}drain-${workers ?? ''}`.replaceAll(' ', '-');
  const channel = await posthorn.subscribe([sink.url(endpoint)]);
  const meter = await openMeter(posthorn, { sinkPid: sink.pid });
  closeLater(() => meter.close());
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
        total: events / BATCH,
        atOnce: 4,
        signal,
      });
      await posthorn.startWorkers(workers);
      return measureBacklog({ sink, endpoint, events, signal, meter });
    },
  };
}
