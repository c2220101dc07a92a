import { openEndpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

interface Progress {
  id: string;
  status: string;
  matched: number;
  queued: number;
  delivered: number;
  failed: number;
  pending: number;
}

/** Publishes events without deliveries. */
const PUBLISH_UNMATCHED = `
  INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
  SELECT posthorn_uuidv7(), $1, 'message:created', convert_to('{"event":"message:created","payload":{"n":' || n || '}}', 'UTF8'), 0, now()
  FROM generate_series(1, $2) n`;

// Workers wait for this lock in the middle of a step once a replay has queued more than $1.
const waitInTheMiddle = (queued: number) => `
  CREATE FUNCTION wait_in_the_middle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.queued > ${queued} THEN PERFORM pg_advisory_xact_lock(42); END IF; RETURN NEW; END $$;
  CREATE TRIGGER wait_in_the_middle AFTER UPDATE OF queued ON replays FOR EACH ROW EXECUTE FUNCTION wait_in_the_middle();
  SELECT pg_advisory_lock(42)`;
const IS_WAITING = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 42
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

let stack: Stack;
beforeAll(async () => void (stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' })));
afterAll(() => stack?.stop());

it.each([
  ['an account, of 1,200 missed events of one webhook', 'account', 1, 1_200],
  ['the operators, of 3 accounts with 2 webhooks each', 'operators', 3, 400],
] as const)(
  'a worker killed in the middle of a replay of %s: another one continues, and each arrives once',
  async (_, who, accountCount, eventCount) => {
    const endpoint = await openEndpoint();
    const client = new pg.Client(stack.databaseUrl);
    await client.connect();
    const first = await stack.subscribe(endpoint.url);
    const accounts = [first.account];
    while (accounts.length < accountCount) accounts.push((await stack.subscribe(endpoint.url)).account);
    if (who === 'operators') for (const account of accounts) await stack.subscribe(endpoint.url, { account });
    for (const account of accounts) await client.query(PUBLISH_UNMATCHED, [account, eventCount]);
    const total = who === 'operators' ? accountCount * 2 * eventCount : eventCount;

    await client.query(waitInTheMiddle(500));
    const base = who === 'operators' ? '/v1/replays' : `/v1/accounts/${first.account}/replays`;
    const started = await stack.call<Progress>('POST', base, {
      since: '2020-01-01T00:00:00Z',
      which: 'missed',
      ...(who === 'account' && { subscriptions: [first.id] }),
    });
    expect(started.matched).toBe(total);
    const progress = () => stack.call<Progress>('GET', `${base}/${started.id}`);
    await waitFor(async () => (await client.query(IS_WAITING)).rows.length > 0, {
      what: 'the worker to be in the middle',
    });
    stack.workers.pop()?.kill('SIGKILL');
    expect((await progress()).status).toBe('running');
    await client.query('SELECT pg_advisory_unlock(42)');
    await client.query('DROP FUNCTION wait_in_the_middle CASCADE');
    await client.end();
    await stack.startWorker();
    await waitFor(async () => (await progress()).status === 'completed', { what: 'the replay to complete' });
    expect(await progress()).toMatchObject({ queued: total, delivered: total, failed: 0, pending: 0 });
    expect(new Set(endpoint.events.map(({ headers }) => headers['webhook-id'])).size).toBe(accountCount * eventCount);
    const path = (account: string) => `/v1/accounts/${account}/deliveries/count?replay=${started.id}&status=succeeded`;
    const counts = await Promise.all(accounts.map((account) => stack.call<{ count: number }>('GET', path(account))));
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    await endpoint.close();
  },
);

it('a replay whose endpoint still fails is delivering, not completed, and shows 0 delivered (U6)', async () => {
  const endpoint = await openEndpoint();
  const { account, id } = await stack.subscribe(endpoint.url);
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  await client.query(PUBLISH_UNMATCHED, [account, 37]);
  await client.end();
  endpoint.respondWith(500);
  const base = `/v1/accounts/${account}/replays`;
  const body = { since: '2020-01-01T00:00:00Z', which: 'missed', subscriptions: [id] };
  const started = await stack.call<Progress>('POST', base, body);
  const progress = () => stack.call<Progress>('GET', `${base}/${started.id}`);
  await waitFor(() => endpoint.events.length > 0, { what: 'the first attempt' });
  await waitFor(async () => (await progress()).status === 'delivering', { what: 'all to be queued' });
  expect(await progress()).toMatchObject({ queued: 37, delivered: 0, failed: 0, pending: 37 });
  endpoint.respondWith(200);
  await waitFor(async () => (await progress()).status === 'completed', { what: 'the replay to complete' });
  expect(await progress()).toMatchObject({ queued: 37, delivered: 37, failed: 0, pending: 0 });
  await endpoint.close();
});
