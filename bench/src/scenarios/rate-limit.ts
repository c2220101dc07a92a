import { setTimeout as pause } from 'node:timers/promises';
import { newPayload, now, publishSteadily } from '../load.js';
import type { Scenario } from '../scenario.js';

const LIMITS = [5, 50, 200];

export const rateLimit: Scenario = {
  name: 'rate-limit',
  about: "Publishes twice what a subscription's rate limit allows, and counts what arrives.",
  needsPosthorn: true,
  maxMinutes: 20,
  async prepare({ startPosthorn, sink, signal, isQuick }) {
    const posthorn = await startPosthorn();
    const seconds = isQuick ? 6 : 20;
    return LIMITS.map((limit) => ({
      name: `rateLimit ${limit}`,
      async measure() {
        const endpoint = `rate-${limit}`;
        const account = `rate-${limit}-${Date.now()}`;
        await posthorn.call('PUT', `/v1/accounts/${account}`, '{}');
        await posthorn.addSubscription(account, { url: sink.url(endpoint), rateLimit: limit });
        await sink.reset(endpoint);
        const publish = (n: number) => posthorn.publish(account, newPayload(n));
        const rate = limit * 2;
        const count = async () => {
          await pause(3_000); // the first events are not limited yet
          const [first, from] = [await sink.look(endpoint), now()];
          await pause((seconds - 3) * 1_000);
          const [last, until] = [await sink.look(endpoint), now()];
          return (last.count - first.count) / ((until - from) / 1_000);
        };
        const [perSecond] = await Promise.all([
          count(),
          publishSteadily({ publish, rate, total: rate * seconds, signal }),
        ]);
        await posthorn.unsubscribe(account);
        return { perSecond, offPercent: (perSecond / limit - 1) * 100 };
      },
    }));
  },
};
