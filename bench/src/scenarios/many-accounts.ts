import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { newPayload, now, publishFlatOut } from '../load.js';
import { openMeter } from '../meter.js';
import { openBadEndpoints } from '../open-bad-endpoints.js';
import type { Scenario } from '../scenario.js';

const ACCOUNTS = 5_000;
const AT_ONCE = 64;
const ONE = 'one subscription';
const MANY = '5,000 accounts';
const IDLE = 'nothing due (costs per second)';
const IDLE_WITH_MANY = '100,000 subscriptions, nothing due (costs per second)';
const SUBSCRIPTIONS = 100_000;
/** One in this many accounts has a bad endpoint, alternately slow (10 s) and failing (connection reset). Never the first account, which
 *  has a tenth of all events. */
const BAD_EVERY = 10;
const isBad = (rank: number) => rank % BAD_EVERY === BAD_EVERY / 2;

export const manyAccounts: Scenario = {
  name: 'many-accounts',
  about:
    'Publishes to 5,000 accounts by Zipf’s law, a tenth with bad endpoints; and the cost of 100,000 idle subscriptions.',
  needsPosthorn: true,
  maxMinutes: 40,
  async prepare({ startPosthorn, sink, signal, isQuick, closeLater }) {
    const posthorn = await startPosthorn();
    const bad = await openBadEndpoints();
    closeLater(() => bad.close());
    const meter = await openMeter(posthorn, { sinkPid: sink.pid });
    closeLater(() => meter.close());
    const client = new pg.Client({ connectionString: posthorn.databaseUrl });
    await client.connect();
    closeLater(() => client.end());

    const one = await posthorn.subscribe([sink.url('one')]);
    const many = await posthorn.subscribeAccounts(
      Array.from({ length: isQuick ? ACCOUNTS / 10 : ACCOUNTS }, (_, n) =>
        isBad(n) ? bad.url(n % (2 * BAD_EVERY) < BAD_EVERY ? 'slow' : 'reset') : sink.url('many'),
      ),
    );
    const events = isQuick ? 1_500 : 20_000;
    const rankOf = zipf(many.length);

    /** Publishes, and waits until all events for good endpoints have arrived. */
    async function measure(endpoint: string, accountOf: (n: number) => number | null) {
      await sink.reset(endpoint);
      const ranks = Array.from({ length: events }, (_, n) => accountOf(n));
      const good = ranks.filter((rank) => rank === null || !isBad(rank)).length;
      const metering = await meter.start();
      const from = now();
      await publishFlatOut({
        publish: (n) => posthorn.publish(many[ranks[n] ?? -1] ?? one, newPayload(n)),
        total: events,
        atOnce: AT_ONCE,
        signal,
      });
      const { lastAt } = await sink.untilReceived(endpoint, good, signal);
      const costs = await metering.stop(good);
      const { rowCount } = await client.query('SELECT FROM stat_deltas');
      return { perSecond: good / ((lastAt - from) / 1_000), deltasLeft: rowCount, ...costs };
    }
    /** Measures the usage of a separate system while nothing is due. */
    async function idleCase(name: string, subscriptions: number) {
      const idle = await startPosthorn();
      const urls = Array.from({ length: isQuick ? subscriptions / 10 : subscriptions }, () => sink.url('idle'));
      if (urls.length > 0) await idle.subscribeAccounts(urls);
      const idleMeter = await openMeter(idle, { sinkPid: sink.pid });
      closeLater(() => idleMeter.close());
      async function measureIdle() {
        const seconds = isQuick ? 5 : 30;
        const metering = await idleMeter.start();
        await pause(seconds * 1_000, undefined, { signal });
        const { systemUs = null, ...costs } = await metering.stop(seconds);
        return { idlePercent: systemUs === null ? null : systemUs / 10_000, systemUs, ...costs };
      }
      return { name, warmUp: measureIdle, measure: measureIdle };
    }

    return [
      await idleCase(IDLE, 0),
      await idleCase(IDLE_WITH_MANY, SUBSCRIPTIONS),
      { name: ONE, warmUp: () => measure('one', () => null), measure: () => measure('one', () => null) },
      { name: MANY, warmUp: () => measure('many', rankOf), measure: () => measure('many', rankOf) },
    ];
  },
  goals(medians) {
    const [one, many] = [medians(ONE, 'perSecond'), medians(MANY, 'perSecond')];
    const [idle, idleWithMany] = [medians(IDLE, 'idlePercent'), medians(IDLE_WITH_MANY, 'idlePercent')];
    return [
      {
        what: '5,000 accounts, against one subscription',
        found: one === null || many === null ? null : many / one,
        wanted: { atLeast: 0.85 },
      },
      {
        what: 'nothing due: CPU with 100,000 subscriptions, against none',
        found: idle === null || idleWithMany === null ? null : idleWithMany / idle,
        wanted: { atMost: 1.1 },
      },
    ];
  },
};

/** Returns a rank below `count` by Zipf's law, always the same for the same n. */
function zipf(count: number): (n: number) => number {
  let total = 0;
  const upTo = Array.from({ length: count }, (_, rank) => (total += 1 / (rank + 1)));
  return (n) => {
    const drawn = ((n * 0.618_033_988_75) % 1) * total;
    const rank = upTo.findIndex((sum) => sum > drawn);
    return rank === -1 ? count - 1 : rank;
  };
}
