import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { newPayload } from '../load.js';
import { type BadEndpoints, type BadKind, openBadEndpoints } from '../open-bad-endpoints.js';
import { openSteadyLoad } from '../open-steady-load.js';
import type { Case, Metrics, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';

const HEALTHY = 20;
const RATE = 100;
const ALONE = '20 healthy endpoints alone';
const KINDS: { name: string; kind: BadKind | 'dead-dns'; count: number }[] = [
  { name: '1 hanging endpoint', kind: 'hang', count: 1 },
  { name: '10 hanging endpoints', kind: 'hang', count: 10 },
  { name: '100 hanging endpoints', kind: 'hang', count: 100 },
  { name: '1 that sends a byte per second', kind: 'drip', count: 1 },
  { name: '1 that sends a gigabyte', kind: 'gigabyte', count: 1 },
  { name: '1 that resets connections', kind: 'reset', count: 1 },
  { name: '1 whose DNS never responds', kind: 'dead-dns', count: 1 },
  { name: '10 that respond after 10 s', kind: 'slow', count: 10 },
  // The cost of the additional deliveries when their endpoints are healthy.
  { name: '100 that respond at once', kind: 'at-once', count: 100 },
];
const RESUMED = '10,000 held deliveries, resumed at once';
const BACKLOG = 'an account that publishes 100,000 events';

export const isolation: Scenario = {
  name: 'isolation',
  about: 'Delivers to 20 healthy endpoints beside each kind of bad one, beside resumed ones and beside a backlog.',
  needsPosthorn: true,
  maxMinutes: 90,
  async prepare(tools) {
    const { isQuick, closeLater } = tools;
    const deadDns = fileURLToPath(new URL('../../src/dead-dns.mjs', import.meta.url));
    const posthorn = await tools.startPosthorn({ workerEnv: { NODE_OPTIONS: `--import=${deadDns}` } });
    const endpoints = await openBadEndpoints();
    closeLater(() => endpoints.close());
    const { channels, run } = await openSteadyLoad(tools, posthorn, { endpoint: 'healthy', channels: HEALTHY });
    const measureHealthy = () => run({ rate: RATE, seconds: isQuick ? 4 : 20 });
    const shared: Shared = { ...tools, posthorn, endpoints, accounts: channels, measureHealthy };
    return [
      { name: ALONE, warmUp: measureHealthy, measure: measureHealthy },
      ...KINDS.map((kind) => besideKind(shared, kind)),
      besideResumed(shared),
      besideBacklog(shared),
    ];
  },
  goals(medians) {
    const alone = medians(ALONE, 'p99Ms');
    const bad = KINDS.filter(({ kind }) => kind !== 'at-once').map(({ name }) => name);
    return [...bad, RESUMED, BACKLOG].map((name) => {
      const beside = medians(`beside ${name}`, 'p99Ms');
      const found = alone === null || beside === null ? null : beside / alone;
      return { what: `p99 beside ${name}, against alone`, found, wanted: { atMost: 2 } };
    });
  },
};

interface Shared extends Tools {
  posthorn: Posthorn;
  endpoints: BadEndpoints;
  accounts: string[];
  measureHealthy(): Promise<Metrics>;
}

/** Each bad endpoint shares the account of a healthy one, so both get the same events, from the first event on. */
function besideKind(
  { posthorn, endpoints, accounts, measureHealthy, isQuick }: Shared,
  { name, kind, count }: (typeof KINDS)[number],
): Case {
  return {
    name: `beside ${name}`,
    async measure() {
      // A name that never resolves cannot be verified, so verify the subscription at another URL first.
      const url = endpoints.url(kind === 'dead-dns' ? 'hang' : kind);
      const added = await Promise.all(
        Array.from({ length: count }, async (_, n) => {
          const account = accounts[n % accounts.length] ?? '';
          return { account, id: await posthorn.addSubscription(account, { url }) };
        }),
      );
      if (kind === 'dead-dns') await loseNames(posthorn, url);
      const metrics = await measureHealthy();
      await Promise.all(
        added.map(({ account, id }) => posthorn.call('DELETE', `/v1/accounts/${account}/subscriptions/${id}`)),
      );
      await pause(isQuick ? 1_000 : 16_000); // hanging attempts end
      return metrics;
    },
  };
}

async function loseNames({ databaseUrl }: Posthorn, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    `UPDATE subscriptions SET url = 'http://never.example.com/webhook' WHERE url = $1 AND deleted_at IS NULL`,
    [url],
  );
  await client.end();
}

/** Ten subscriptions have a thousand held deliveries each. Resuming them makes all due. */
function besideResumed({ posthorn, endpoints, measureHealthy, isQuick }: Shared): Case {
  return {
    name: `beside ${RESUMED}`,
    async measure() {
      const url = endpoints.url('at-once');
      const account = await posthorn.subscribe([url]);
      const added = Array.from({ length: 9 }, () => posthorn.addSubscription(account, { url }));
      await Promise.all(added);
      const listed = await posthorn.call('GET', `/v1/accounts/${account}/subscriptions?limit=100`);
      const ids = (JSON.parse(listed.text) as { data: { id: string }[] }).data.map(({ id }) => id);
      await Promise.all(ids.map((id) => change(posthorn, account, id, 'pause')));
      await publishInBatches(posthorn, account, isQuick ? 100 : 1_000);
      await Promise.all(ids.map((id) => change(posthorn, account, id, 'resume')));
      const metrics = await measureHealthy();
      await posthorn.unsubscribe(account);
      return metrics;
    },
  };
}

async function change(posthorn: Posthorn, account: string, id: string, verb: 'pause' | 'resume'): Promise<void> {
  await posthorn.call('POST', `/v1/accounts/${account}/subscriptions/${id}/${verb}`);
}

async function publishInBatches(posthorn: Posthorn, account: string, events: number): Promise<void> {
  for (let sent = 0; sent < events; sent += 100)
    await posthorn.publishBatch(
      account,
      Array.from({ length: 100 }, (_, n) => newPayload(sent + n)),
    );
}

/** One account publishes as fast as possible meanwhile. */
function besideBacklog({ posthorn, sink, measureHealthy, isQuick }: Shared): Case {
  return {
    name: `beside ${BACKLOG}`,
    async measure() {
      const account = await posthorn.subscribe([sink.url('backlog')]);
      const publishing = publishInBatches(posthorn, account, isQuick ? 2_000 : 100_000);
      const [metrics] = await Promise.all([measureHealthy(), publishing]);
      await posthorn.unsubscribe(account);
      return metrics;
    },
  };
}
