import { once } from 'node:events';
import { type ClonedDatabase, cloneDatabase, openProxy, type Proxy, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const [backend = 'postgres'] = inject('queueBackends');
const EVENT = '{"event":"message:created","payload":{"n":1}}';

interface Accepted {
  id: string;
  duplicate: boolean;
}

let database: ClonedDatabase;
/** Between the APIs and Postgres. */
let network: Proxy;
let stack: Stack;
beforeAll(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
  const databaseUrl = new URL(database.url);
  network = await openProxy({ host: databaseUrl.hostname, port: Number(databaseUrl.port) });
  databaseUrl.host = `127.0.0.1:${network.port}`;
  stack = await startStack({ backend, workers: 0, databaseUrl: databaseUrl.href });
});
afterAll(async () => {
  await stack?.stop();
  await network?.close();
  await database?.drop();
});

it('returns the stored event for the same key after the API was killed between COMMIT and response (L1, D7)', async () => {
  const ledger = new pg.Client({ connectionString: database.url });
  await ledger.connect();
  const count = async (table: string) => (await ledger.query(`SELECT FROM ${table}`)).rowCount;
  await stack.call('PUT', '/v1/accounts/acme', {});
  await stack.publish('acme', EVENT); // opens a connection

  network.set('mute');
  const interrupted = stack.publish('acme', EVENT, { 'idempotency-key': 'once' }).catch((error: unknown) => error);
  const stored = await waitFor(
    async () => (await ledger.query<{ id: string }>('SELECT event_id AS id FROM idempotency_keys')).rows[0],
    { what: 'the event to be committed' },
  );
  stack.api.kill('SIGKILL');
  await once(stack.api, 'exit');
  expect(await interrupted).toBeInstanceOf(Error);

  network.set('pass');
  await stack.startApi();
  const responses = [1, 2].map(() => stack.publish('acme', EVENT, { 'idempotency-key': 'once' }));
  const [first, second] = (await Promise.all(responses)) as unknown as [Accepted, Accepted];
  expect(first).toEqual(second);
  expect(first.duplicate).toBe(true);
  const { rows } = await ledger.query<{ body: string }>(
    `SELECT convert_from(body, 'UTF8') AS body FROM events WHERE id = $1`,
    [stored.id],
  );
  expect(rows).toEqual([{ body: EVENT }]);
  expect(await stack.call('GET', `/v1/accounts/acme/events/${first.id}`)).toMatchObject({ id: first.id });
  expect(await count('events')).toBe(2);
  expect(await count('idempotency_keys')).toBe(1);

  await ledger.end();
});

it('stores one event for 50 equal concurrent requests to two APIs, and returns it to all', async () => {
  const apis = [stack.apiUrl, await stack.addApi()];
  await stack.call('PUT', '/v1/accounts/two-apis', {});
  for (const key of ['a', 'b', 'c']) {
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        stack.publish('two-apis', EVENT, { 'idempotency-key': key }, apis[n % apis.length]),
      ),
    );
    const accepted = responses as unknown as Accepted[];
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(1);
    expect(accepted.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  }
  const events = await stack.call<{ data: unknown[] }>('GET', '/v1/accounts/two-apis/events');
  expect(events.data).toHaveLength(3);
});
