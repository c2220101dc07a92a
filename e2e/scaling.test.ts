import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Endpoint, openEndpoint, seededRandom, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const BODY = '{"event":"message:created","payload":{}}';
const WITHIN = { timeoutMs: 280_000 };
const POOL = 5;
const CONCURRENCY = 8;
/** The limit of one worker. Slow attempts (over 250 ms, as on a busy machine) use additional slots. */
const MOST_IN_FLIGHT = 2 * CONCURRENCY;
/** Chooses when to kill: the same in every run unless SEED is set. */
const SEED = Number(process.env['SEED'] ?? 1);
const WORKER_KILLS = 4;
const API_KILLS = 2;
/** At most this many rounds until each worker has had its share. */
const MOST_ROUNDS = 30;
/** core/deliveries/lease.ts */
const LEASE_SECONDS = 60;

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
  }, 600_000);
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

  it.each([1, 2, 4])(
    'sends each delivery once, and in each worker at least half of its equal share, with %i workers',
    async (count) => {
      while (stack.workers.length < count) await stack.startWorker();
      const before = stack.workers.map(attemptsOf);
      const first = published.size;
      /** The smallest part of all attempts that a worker has made. */
      async function leastShare(): Promise<number> {
        const all = published.size - first;
        const made = () => stack.workers.map((worker, index) => attemptsOf(worker) - (before[index] ?? 0));
        // Log lines may be a little late.
        await waitFor(() => made().reduce((sum, attempts) => sum + attempts, 0) >= all, WITHIN);
        return Math.min(...made()) / all;
      }
      // A round is short, so one worker may do most of it. But over many rounds no worker may do it all.
      const fair = 1 / (2 * count);
      let share = 0;
      for (let round = 0; round < MOST_ROUNDS && share < fair; round += 1) {
        await publish(30 * count);
        await waitFor(allArrived, WITHIN);
        share = await leastShare();
      }
      expect(share).toBeGreaterThanOrEqual(fair);
      expect(repeated()).toBe(0);
    },
  );

  it('opens no more connections to Postgres than docs/operate.md says', async () => {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const countConnections = async () => {
      const { rows } = await client.query<{ name: string; connections: number }>(
        `SELECT application_name AS name, count(*)::int AS connections FROM pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1`,
      );
      return Object.fromEntries(rows.map(({ name, connections }) => [name, connections]));
    };
    // An API without requests closes its connections after a while.
    const open = await waitFor(
      async () => {
        await stack.call('GET', `/v1/accounts/${account}`);
        const counts = await countConnections();
        return counts['posthorn-api'] && counts;
      },
      { what: 'a connection of an API' },
    );
    await client.end();
    const workers = stack.workers.length;
    const bounds = {
      'posthorn-api': apis.length * POOL,
      'posthorn worker': workers * (POOL + 1),
      'posthorn queue': backend === 'postgres' ? apis.length * 4 + workers * 40 : 0,
    };
    expect(Object.entries(bounds).filter(([name, most]) => (open[name] ?? 0) > most)).toEqual([]);
    expect(Object.keys(open).filter((name) => name.startsWith('posthorn') && !(name in bounds))).toEqual([]);
    expect(open['posthorn worker']).toBeGreaterThanOrEqual(workers); // each listens
  });

  it(`loses nothing and repeats at most the attempts in flight while workers and an API are killed and restarted at random (SEED=${SEED})`, async () => {
    const random = seededRandom(SEED, backend);
    const pick = <T>(some: T[]): T | undefined => some[Math.floor(random() * some.length)];
    endpoint.respondWith({ status: 200, delayMs: 20 });
    const [sentBefore, eventsBefore] = [repeated(), published.size];
    let keys = 0;

    /** Publishes an event with a key until an API has responded with 202. */
    async function publishOnce(key: string): Promise<void> {
      for (let attempts = 0; ; attempts += 1) {
        const accepted = await stack
          .publish(account, BODY, { 'idempotency-key': key }, apis[(keys + attempts) % apis.length])
          .catch(() => null);
        if (accepted) return void published.add(accepted.id);
        await pause(20);
      }
    }
    async function killWorker(): Promise<void> {
      const victim = pick(stack.workers);
      if (!victim) throw new Error('no worker');
      stack.workers.splice(stack.workers.indexOf(victim), 1);
      await kill(victim);
      // Sometimes there are fewer workers for a while.
      if (stack.workers.length === 0 || random() < 0.5) await stack.startWorker();
    }
    async function killApi(): Promise<void> {
      await kill(stack.api);
      await stack.startApi();
    }

    const kills = [
      ...Array.from({ length: WORKER_KILLS }, () => killWorker),
      ...Array.from({ length: API_KILLS }, () => killApi),
    ];
    while (kills.length > 0) {
      const [next] = kills.splice(Math.floor(random() * kills.length), 1);
      const arrived = endpoint.events.length;
      const publishing = Promise.all(
        Array.from({ length: 6 }, async () => {
          for (let n = 0; n < 10; n += 1) await publishOnce(`killed-${(keys += 1)}`);
        }),
      );
      const after = Math.floor(random() * 30);
      await waitFor(() => endpoint.events.length > arrived + after, WITHIN);
      await next?.();
      await publishing;
    }
    expect(published.size - eventsBefore).toBe(keys); // each key has its own event
    while (stack.workers.length < 4) await stack.startWorker();
    await waitFor(async () => allArrived() || (await endLostLeases(), false), WITHIN);
    expect(repeated() - sentBefore).toBeLessThanOrEqual(WORKER_KILLS * MOST_IN_FLIGHT);
    const path = `/v1/accounts/${account}/deliveries/count?status=succeeded`;
    await waitFor(async () => (await stack.call<{ count: number }>('GET', path)).count === published.size, WITHIN);
  });

  /** An API that dies after its commit and before it enqueues leaves deliveries leased for a minute. Ends these leases if nothing else
   *  is left. */
  async function endLostLeases(): Promise<void> {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const missing = published.size - arrivals().size;
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM pending_deliveries');
    if (rows[0]?.count === missing) {
      const earlier = `- interval '${LEASE_SECONDS} seconds'`;
      await client.query(
        `UPDATE pending_deliveries SET due_at = due_at ${earlier}, leased_until = leased_until ${earlier}`,
      );
      await client.query(`UPDATE due_subscriptions SET due_at = due_at ${earlier}`);
    }
    await client.end();
  }
});

async function kill(victim: ChildProcess): Promise<void> {
  const ended = once(victim, 'exit');
  victim.kill('SIGKILL');
  await ended;
}
