import { once } from 'node:events';
import { cloneDatabase, openProxy, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { startStack } from './stack.js';

const [backend = 'postgres'] = inject('queueBackends');
const EVENT = '{"event":"message:created","payload":{"n":1}}';

interface Accepted {
  id: string;
  duplicate: boolean;
}

it('returns the stored event for the same key after the API was killed between COMMIT and response (L1, D7)', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const { hostname, port } = new URL(database.url);
  const network = await openProxy({ host: hostname, port: Number(port) });
  const databaseUrl = new URL(database.url);
  databaseUrl.host = `127.0.0.1:${network.port}`;
  const stack = await startStack({ backend, workers: 0, databaseUrl: databaseUrl.href });
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
  await stack.stop();
  await network.close();
  await database.drop();
});

it('stores one event for 50 equal concurrent requests to two APIs, and returns it to all', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const stacks = [
    await startStack({ backend, workers: 0, databaseUrl: database.url }),
    await startStack({ backend, workers: 0, databaseUrl: database.url }),
  ];
  const [stack] = stacks;
  await stack?.call('PUT', '/v1/accounts/acme', {});
  for (const key of ['a', 'b', 'c']) {
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, n) => stacks[n % 2]?.publish('acme', EVENT, { 'idempotency-key': key })),
    );
    const accepted = responses as unknown as Accepted[];
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(1);
    expect(accepted.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  }
  const events = await stack?.call<{ data: unknown[] }>('GET', '/v1/accounts/acme/events');
  expect(events?.data).toHaveLength(3);
  for (const one of stacks) await one.stop();
  await database.drop();
});
