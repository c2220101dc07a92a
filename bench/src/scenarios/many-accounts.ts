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
      const roundsBefore = await countRounds();
      const deltas = watchDeltas();
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
      return {
        perSecond: good / ((lastAt - from) / 1_000),
        roundsPerDelivery: ((await countRounds()) - roundsBefore) / good,
        ...(await deltas.stop()),
        ...costs,
      };
    }
    /** The rounds of the dispatcher so far. */
    async function countRounds(): Promise<number> {
      const { rows } = await client.query<{ calls: number }>(
        `SELECT coalesce(sum(calls), 0)::float8 AS calls FROM pg_stat_statements
         WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%FROM due_subscriptions%FROM slotted%'`,
      );
      return rows[0]?.calls ?? 0;
    }
    /** Counts the rows that wait to be folded into the statistics, every second. */
    function watchDeltas() {
      const stopped = new AbortController();
      const count = async () => (await client.query('SELECT FROM stat_deltas')).rowCount ?? 0;
      const watching = (async () => {
        let most = 0;
        while (!stopped.signal.aborted) {
          most = Math.max(most, await count());
          await pause(1_000, undefined, { signal: stopped.signal }).catch(() => {});
        }
        return most;
      })();
      return {
        async stop() {
          stopped.abort();
          return { deltasMost: await watching, deltasLeft: await count() };
        },
      };
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
