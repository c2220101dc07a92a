import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openCipher } from '@posthorn/core';
import { type Endpoint, openEndpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

/** Workers pause a fan-out while the queue has 5,000 of its deliveries. Its endpoint is slow, so the kill comes long before the
 *  last chunk. */
const SUBSCRIPTIONS = 8_000;
const CONCURRENCY = 16;
/** Slow attempts have as many slots again. */
const MOST_IN_FLIGHT = 2 * CONCURRENCY;
const WITHIN = { timeoutMs: 280_000 };

// One queue: the test waits a minute for leases, and loses-nothing.test.ts kills workers on both.
describe('a fan-out', () => {
  const encryptionKey = randomBytes(32).toString('base64');
  let stack: Stack;
  let endpoint: Endpoint;
  let client: pg.Client;
  beforeAll(async () => {
    stack = await startStack({
      backend: inject('queueBackends')[0] ?? 'postgres',
      env: { POSTHORN_ENCRYPTION_KEY: encryptionKey, WORKER_CONCURRENCY: String(CONCURRENCY) },
    });
    endpoint = await openEndpoint();
    client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await stack?.stop();
    await endpoint?.close();
  });

  /** Makes an account with one verified subscription and copies of it, each with a URL of its own. */
  async function subscribeMany(count: number): Promise<string> {
    const { account } = await stack.subscribe(endpoint.url);
    const cipher = openCipher({ current: encryptionKey });
    const ids = Array.from({ length: count - 1 }, () => randomUUID());
    const sealed = ids.map((id) =>
      cipher.seal(`whsec_${randomBytes(32).toString('base64')}`, `secret:${id}`).toString('hex'),
    );
    await client.query(
      `WITH copy AS (
         INSERT INTO subscriptions (id, account_id, url, events, status)
         SELECT copy.id, s.account_id, s.url || '?copy=' || copy.id, s.events, s.status FROM subscriptions s, unnest($2::uuid[]) AS copy (id)
         WHERE s.account_id = $1
       )
       INSERT INTO secrets (id, subscription_id, key_id, sealed)
       SELECT gen_random_uuid(), one.id, $4, decode(one.sealed, 'hex') FROM unnest($2::uuid[], $3::text[]) AS one (id, sealed)`,
      [account, ids, sealed, cipher.keyId],
    );
    return account;
  }
  async function readFanOut(): Promise<{ written: number; isComplete: boolean }> {
    const { rows } = await client.query<{ written: number; isComplete: boolean }>(
      'SELECT written, completed_at IS NOT NULL AS "isComplete" FROM fan_outs',
    );
    return rows[0] ?? { written: 0, isComplete: false };
  }

  async function countSucceeded(): Promise<number> {
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM finished_deliveries WHERE status = 'succeeded'`,
    );
    return rows[0]?.count ?? 0;
  }

  it('reaches each subscription when its worker is killed, and repeats at most the attempts in flight', async () => {
    const account = await subscribeMany(SUBSCRIPTIONS);
    endpoint.respondWith({ status: 200, delayMs: 500 });
    const body = '{"event":"message:created","payload":{}}';
    expect(await stack.publish(account, body)).toMatchObject({ deliveries: SUBSCRIPTIONS, fanOut: 'expanding' });
    await waitFor(async () => (await countSucceeded()) > 0, WITHIN);
    const victim = stack.workers.pop();
    if (!victim) throw new Error('no worker');
    const ended = once(victim, 'exit');
    victim.kill('SIGKILL');
    await ended;
    expect(await readFanOut()).toMatchObject({ isComplete: false });
    // Requests on their way to the endpoint, and those whose results were not recorded.
    const unrecorded = MOST_IN_FLIGHT + endpoint.events.length - (await countSucceeded());
    endpoint.respondWith(200);
    await stack.startWorker();
    await waitFor(async () => (await countSucceeded()) === SUBSCRIPTIONS, WITHIN);
    expect(await readFanOut()).toEqual({ written: SUBSCRIPTIONS, isComplete: true });
    expect(new Set(endpoint.events.map(({ path }) => path)).size).toBe(SUBSCRIPTIONS);
    expect(endpoint.events.length).toBeLessThanOrEqual(SUBSCRIPTIONS + unrecorded);
  }, 900_000);
});
