import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { newPayload, now, publishFlatOut } from '../load.js';
import { watchMemory } from '../meter.js';
import { openBadEndpoints } from '../open-bad-endpoints.js';
import type { Case, Metrics, Goal, Medians, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';

const ACCOUNTS = 5_000;
const AT_ONCE = 64;
const ONE = 'one subscription';
const MANY = '5,000 accounts';
/** Without bad endpoints: shows how much of the difference is due to the number of accounts. */
const ALL_GOOD = '5,000 accounts, all endpoints good';
const IDLE = 'nothing due (costs per second)';
const IDLE_WITH_MANY = '100,000 subscriptions, nothing due (costs per second)';
const SUBSCRIPTIONS = 100_000;
/** While nothing is due, `/metrics` and `/readyz` are read this often. More often, they would share a reading of the ledger. */
const READ_EVERY_MS = 5_000;
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
  async prepare(tools) {
    const { startPosthorn, sink, isQuick, closeLater } = tools;
    const posthorn = await startPosthorn();
    const bad = await openBadEndpoints();
    closeLater(() => bad.close());
    const one = await posthorn.subscribe([sink.url('one')]);
    const many = await posthorn.subscribeAccounts(
      Array.from({ length: isQuick ? ACCOUNTS / 10 : ACCOUNTS }, (_, n) =>
        isBad(n) ? bad.url(n % (2 * BAD_EVERY) < BAD_EVERY ? 'slow' : 'reset') : sink.url('many'),
      ),
    );
    const allGood = await posthorn.subscribeAccounts(many.map(() => sink.url('good')));
    const measure = await openLoad(tools, posthorn);
    const rankOf = zipf(many.length);
    const toOne = () => measure({ endpoint: 'one', accountOf: () => one, isGood: () => true });
    const toMany = () =>
      measure({ endpoint: 'many', accountOf: (n) => many[rankOf(n)] ?? '', isGood: (n) => !isBad(rankOf(n)) });
    const toAllGood = () =>
      measure({ endpoint: 'good', accountOf: (n) => allGood[rankOf(n)] ?? '', isGood: () => true });
    return [
      await openIdleCase(tools, IDLE, 0),
      await openIdleCase(tools, IDLE_WITH_MANY, SUBSCRIPTIONS),
      { name: ONE, warmUp: toOne, measure: toOne },
      { name: ALL_GOOD, warmUp: toAllGood, measure: toAllGood },
      { name: MANY, warmUp: toMany, measure: toMany },
    ];
  },
  goals(medians) {
    const against = (what: string, [found, base]: (number | null)[], wanted: Goal['wanted']): Goal => ({
      what,
      found: found == null || base == null ? null : found / base,
      wanted,
    });
    const both = (metric: string) => [medians(MANY, metric), medians(ONE, metric)];
    return [
      against('5,000 accounts, against one subscription', both('perSecond'), { atLeast: 0.85 }),
      against(
        '5,000 accounts with good endpoints, against one subscription',
        [medians(ALL_GOOD, 'perSecond'), medians(ONE, 'perSecond')],
        { atLeast: 0.85 },
      ),
      ...boundGoals(medians),
      ...(['api', 'worker'] as const).map((part) =>
        against(`5,000 accounts: memory of the ${part}, against one subscription`, both(`${part}Mb`), { atMost: 1.25 }),
      ),
      against(
        'nothing due: CPU with 100,000 subscriptions, against none',
        [medians(IDLE_WITH_MANY, 'idlePercent'), medians(IDLE, 'idlePercent')],
        { atMost: 1.1 },
      ),
    ];
  },
};

/** Rounds of the dispatcher per delivery, and how far the statistics are behind. */
function boundGoals(medians: Medians): Goal[] {
  return [
    {
      what: '5,000 accounts: rounds of the dispatcher per delivery',
      found: medians(MANY, 'roundsPerDelivery'),
      wanted: { atMost: 0.02 },
    },
    ...[ONE, MANY].map((name): Goal => {
      const [most, perSecond] = [medians(name, 'deltasMost'), medians(name, 'perSecond')];
      return {
        what: `${name}: rows to fold at most, in seconds of deliveries (two rows each)`,
        found: most === null || perSecond === null ? null : most / 2 / perSecond,
        wanted: { atMost: 10 }, // a worker folds every 5 s
      };
    }),
  ];
}

interface Load {
  endpoint: string;
  /** The account of the n-th event. */
  accountOf: (n: number) => string;
  /** Whether the n-th event arrives at `endpoint`. */
  isGood: (n: number) => boolean;
}

/** Returns a function that publishes, and waits until all events for good endpoints have arrived. */
async function openLoad(
  { sink, signal, isQuick, openMeter, closeLater }: Tools,
  posthorn: Posthorn,
): Promise<(load: Load) => Promise<Metrics>> {
  const events = isQuick ? 2_000 : 60_000;
  const meter = await openMeter(posthorn);
  const client = new pg.Client({ connectionString: posthorn.databaseUrl });
  await client.connect();
  closeLater(() => client.end());
  return async ({ endpoint, accountOf, isGood }) => {
    await sink.reset(endpoint);
    const good = Array.from({ length: events }, (_, n) => isGood(n)).filter(Boolean).length;
    const roundsBefore = await countRounds(client);
    const [deltas, memory, metering] = [watchDeltas(client), watchMemory(posthorn), await meter.start()];
    const from = now();
    const publish = (n: number) => posthorn.publish(accountOf(n), newPayload(n));
    await publishFlatOut({ publish, total: events, atOnce: AT_ONCE, signal });
    const { lastAt } = await sink.untilReceived(endpoint, good, signal);
    const costs = await metering.stop(good);
    return {
      perSecond: good / ((lastAt - from) / 1_000),
      roundsPerDelivery: ((await countRounds(client)) - roundsBefore) / good,
      ...(await deltas.stop()),
      ...costs,
      ...memory.stop(),
    };
  };
}

/** The rounds of the dispatcher so far. */
async function countRounds(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ calls: number }>(
    `SELECT coalesce(sum(calls), 0)::float8 AS calls FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%FROM due_subscriptions%FROM slotted%'`,
  );
  return rows[0]?.calls ?? 0;
}

/** Counts the rows that wait to be folded into the statistics, every second. */
function watchDeltas(client: pg.Client): { stop: () => Promise<Metrics> } {
  const stopped = new AbortController();
  const count = async () =>
    (await client.query<{ count: number }>('SELECT count(*)::int AS count FROM stat_deltas')).rows[0]?.count ?? 0;
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

/** Measures the usage of a separate system while nothing is due, but its metrics and its health are read. */
async function openIdleCase(
  { startPosthorn, openMeter, sink, signal, isQuick }: Tools,
  name: string,
  subscriptions: number,
): Promise<Case> {
  const idle = await startPosthorn();
  const urls = Array.from({ length: isQuick ? subscriptions / 10 : subscriptions }, () => sink.url('idle'));
  if (urls.length > 0) await idle.subscribeAccounts(urls);
  const meter = await openMeter(idle);
  async function measure(): Promise<Metrics> {
    const seconds = isQuick ? 10 : 30;
    const metering = await meter.start();
    for (let ms = 0; ms < seconds * 1_000; ms += READ_EVERY_MS) {
      await Promise.all(['/metrics', '/readyz'].map((path) => idle.call('GET', path)));
      await pause(READ_EVERY_MS, undefined, { signal });
    }
    const { systemUs = null, ...costs } = await metering.stop(seconds);
    return { idlePercent: systemUs === null ? null : systemUs / 10_000, systemUs, ...costs };
  }
  return { name, warmUp: measure, measure };
}

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
