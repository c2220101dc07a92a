import { setTimeout as pause } from 'node:timers/promises';
import { newPayload } from '../load.js';
import { rssMb } from '../meter.js';
import type { Scenario } from '../scenario.js';

const ENDPOINT = 'memory';
const BATCH = 100;
/** Published events that have not arrived. */
const MOST_IN_FLIGHT = 5_000;
const LOOKS = 40;

export const memory: Scenario = {
  name: 'memory',
  about: 'Delivers a million events, once: the memory of the processes, and its growth.',
  needsPosthorn: true,
  repetitions: 1,
  maxMinutes: 60,
  async prepare({ startPosthorn, sink, signal, isQuick }) {
    const posthorn = await startPosthorn();
    const channel = await posthorn.subscribe([sink.url(ENDPOINT)]);
    const events = isQuick ? 8_000 : 1_000_000;
    async function measure() {
      const looks: { api: number; worker: number }[] = [];
      for (let published = 0; published < events;) {
        signal.throwIfAborted();
        const { count } = await sink.look(ENDPOINT);
        if (published - count < MOST_IN_FLIGHT) {
          const payloads = Array.from({ length: BATCH }, (_, n) => newPayload(published + n));
          await posthorn.publishBatch(channel, payloads);
          published += BATCH;
        } else await pause(20);
        if (count >= (looks.length * events) / LOOKS) look();
      }
      await sink.untilReceived(ENDPOINT, events, signal);
      look();
      const middle = looks.slice(LOOKS / 2 - 2, LOOKS / 2 + 2);
      const last = looks.slice(-4);
      return {
        apiMb: Math.max(...looks.map(({ api }) => api)),
        workerMb: Math.max(...looks.map(({ worker }) => worker)),
        apiGrowthMb: mean(last, 'api') - mean(middle, 'api'),
        workerGrowthMb: mean(last, 'worker') - mean(middle, 'worker'),
      };

      function look(): void {
        const { api = [], worker = [] } = posthorn.pids();
        looks.push({ api: rssMb(api), worker: rssMb(worker) });
      }
    }
    return [{ name: `${events} deliveries`, measure }];
  },
  goals: (medians) =>
    (['api', 'worker'] as const).flatMap((part) => [
      {
        what: `MB of the ${part} at most`,
        found: medians('1000000 deliveries', `${part}Mb`),
        wanted: { atMost: 250 },
      },
      {
        what: `MB that the ${part} grows by in the last half`,
        found: medians('1000000 deliveries', `${part}GrowthMb`),
        wanted: { atMost: 10 }, // garbage that is not collected yet
      },
    ]),
};

function mean(looks: { api: number; worker: number }[], part: 'api' | 'worker'): number {
  return looks.reduce((total, look) => total + look[part], 0) / looks.length;
}
