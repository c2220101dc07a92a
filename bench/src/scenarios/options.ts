import { newPayload, now, publishFlatOut } from '../load.js';
import { openMeter } from '../meter.js';
import type { Case, Scenario } from '../scenario.js';

const AT_ONCE = 64;
const PLAIN = 'no options';
const BESIDE = 'no options, beside 20 accounts with all';
const FILTER = { filter: '$.object == "message" && exists($.body)' };
const POLICY = { retrySchedule: [5, 60, 600], timeoutMs: 5_000 };

export const options: Scenario = {
  name: 'options',
  about: 'The cost per delivery of the options of a subscription, for those who use them and for the others.',
  needsPosthorn: true,
  maxMinutes: 30,
  async prepare({ startPosthorn, sink, signal, isQuick, closeLater }) {
    const posthorn = await startPosthorn();
    const meter = await openMeter(posthorn, { sinkPid: sink.pid });
    closeLater(() => meter.close());
    const total = isQuick ? 2_000 : 20_000;

    const openAccount = async (name: string, fields: object): Promise<string> => {
      await posthorn.call('PUT', `/v1/accounts/${name}`, '{}');
      await posthorn.addSubscription(name, { url: sink.url(name), ...fields });
      return name;
    };
    const measure = async (account: string) => {
      await sink.reset(account);
      const metering = await meter.start();
      const start = now();
      await publishFlatOut({
        publish: (n) => posthorn.publish(account, newPayload(n)),
        total,
        atOnce: AT_ONCE,
        signal,
      });
      const { lastAt } = await sink.untilReceived(account, total, signal);
      return { perSecond: total / ((lastAt - start) / 1_000), ...(await metering.stop(total)) };
    };
    const caseOf = (name: string, account: string): Case => ({
      name,
      warmUp: () => measure(account),
      measure: () => measure(account),
    });

    const plain = await openAccount('plain', {});
    return [
      caseOf(PLAIN, plain),
      caseOf('a filter', await openAccount('filter', FILTER)),
      caseOf('a retry schedule and a timeout', await openAccount('policy', POLICY)),
      {
        name: BESIDE,
        async measure() {
          const others = Array.from({ length: 20 }, (_, n) => openAccount(`other-${n}`, { ...FILTER, ...POLICY }));
          const accounts = await Promise.all(others);
          const metrics = await measure(plain);
          await Promise.all(accounts.map((account) => posthorn.unsubscribe(account)));
          return metrics;
        },
      },
    ];
  },
  goals(medians) {
    const against = (metric: string) => {
      const [beside, alone] = [medians(BESIDE, metric), medians(PLAIN, metric)];
      return beside === null || alone === null ? null : beside / alone;
    };
    return [
      {
        what: 'options of others: CPU per delivery without options',
        found: against('systemUs'),
        wanted: { atMost: 1.1 },
      },
      {
        what: 'options of others: WAL per delivery without options',
        found: against('walBytes'),
        wanted: { atMost: 1.05 },
      },
    ];
  },
};
