import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Endpoint, openEndpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const BODY = '{"event":"message:created","payload":{}}';
const WITHIN = { timeoutMs: 280_000 };
const POOL = 5;
const CONCURRENCY = 8;
/** The limit of one worker. Slow attempts (over 250 ms, as on a busy machine) use additional slots. */
const MOST_IN_FLIGHT = 2 * CONCURRENCY;
const KILLS = 2;

describe.each(inject('queueBackends'))('many workers behind two APIs on %s', (backend) => {
  let stack: Stack;
  let apis: string[];
  let endpoint: Endpoint;
  let account: string;
  const published = new Set<string>();

  beforeAll(async () => {
    stack = await startStack({
      backend,
      env: { DATABASE_POOL_SIZE: String(POOL), WORKER_CONCURRENCY: String(CONCURRENCY), DELIVERIES_PER_JOB: '4' },
    });
    apis = [stack.apiUrl, await stack.addApi()];
    endpoint = await openEndpoint();
    ({ account } = await stack.subscribe(endpoint.url));
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    await endpoint?.close();
  });

  async function publish(count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, n) => stack.publish(account, BODY, {}, apis[n % apis.length]));
    for (const { id } of await Promise.all(events)) published.add(id);
  }

  /** How often each delivery has arrived, by its `webhook-id`. */
  function arrivals(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { headers } of endpoint.events) {
      const id = headers['webhook-id'] ?? '';
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }
  const allArrived = () => arrivals().size === published.size;
  const repeated = () => [...arrivals().values()].reduce((sum, count) => sum + count - 1, 0);

  /** How many attempts a worker has logged. */
  const attemptsOf = ({ pid }: ChildProcess) =>
    stack.logs.filter((line) => line.includes(`"pid":${pid},`) && line.includes('"delivery.attempted"')).length;

  it.each([1, 2, 4])('sends each delivery once, and some in each worker, with %i workers', async (count) => {
    while (stack.workers.length < count) await stack.startWorker();
    const before = stack.workers.map(attemptsOf);
    // The first worker to fetch may do a whole short round, so repeat rounds until each worker has had a share.
    await waitFor(async () => {
      await publish(20 * count);
      await waitFor(allArrived, WITHIN);
      return stack.workers.every((worker, index) => attemptsOf(worker) > (before[index] ?? 0));
    }, WITHIN);
    await waitFor(allArrived, WITHIN);
    expect(repeated()).toBe(0);
  });

  it('opens no more connections to Postgres than docs/operate.md says', async () => {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ name: string; connections: number }>(
      `SELECT application_name AS name, count(*)::int AS connections FROM pg_stat_activity
       WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1`,
    );
    await client.end();
    const open = Object.fromEntries(rows.map(({ name, connections }) => [name, connections]));
    const workers = stack.workers.length;
    const bounds = {
      'posthorn-api': apis.length * POOL,
      'posthorn worker': workers * (POOL + 1),
      'posthorn queue': backend === 'postgres' ? apis.length * 4 + workers * 40 : 0,
    };
    expect(Object.entries(bounds).filter(([name, most]) => (open[name] ?? 0) > most)).toEqual([]);
    expect(Object.keys(open).filter((name) => name.startsWith('posthorn') && !(name in bounds))).toEqual([]);
    expect(open['posthorn-api']).toBeGreaterThan(0);
    expect(open['posthorn worker']).toBeGreaterThanOrEqual(workers); // each listens
  });

  it('loses nothing and repeats at most the attempts in flight when workers are killed and restarted at random', async () => {
    endpoint.respondWith({ status: 200, delayMs: 20 });
    const sentBefore = repeated();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const arrived = endpoint.events.length;
      await publish(60);
      await waitFor(() => endpoint.events.length > arrived, WITHIN);
      const [victim] = stack.workers.splice(Math.floor(Math.random() * stack.workers.length), 1);
      if (!victim) throw new Error('no worker');
      const ended = once(victim, 'exit');
      victim.kill('SIGKILL');
      await ended;
      await stack.startWorker();
    }
    await waitFor(allArrived, WITHIN);
    expect(repeated() - sentBefore).toBeLessThanOrEqual(KILLS * MOST_IN_FLIGHT);
    const path = `/v1/accounts/${account}/deliveries/count?status=succeeded`;
    await waitFor(async () => (await stack.call<{ count: number }>('GET', path)).count === published.size, WITHIN);
  });
});
