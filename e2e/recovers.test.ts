import { openReceiver, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { startStack } from './stack.js';

interface Progress {
  id: string;
  status: string;
  matched: number;
  queued: number;
  succeeded: number;
}

it('a worker killed while it brings 3,000 back: another one goes on, and each arrives (L15)', async () => {
  const [backend = 'postgres'] = inject('queueBackends');
  const stack = await startStack({ backend });
  const receiver = await openReceiver();
  const { account, id } = await stack.subscribe(receiver.url);
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  await client.query(
    `INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
       SELECT posthorn_uuidv7(), $1, 'message:created', convert_to('{"event":"message:created","payload":{"n":' || n || '}}', 'UTF8'), 0, now()
       FROM generate_series(1, 3000) n`,
    [account],
  );
  await client.end();
  const started = await stack.call<Progress>('POST', `/v1/accounts/${account}/subscriptions/${id}/recover`, {
    since: '2020-01-01T00:00:00Z',
    which: 'missing',
  });
  expect(started.matched).toBe(3_000);
  const progress = () => stack.call<Progress>('GET', `/v1/accounts/${account}/recoveries/${started.id}`);
  await waitFor(async () => (await progress()).queued >= 500, { what: '500 to come back' });
  stack.workers[0]?.kill('SIGKILL');
  expect((await progress()).status).toBe('running');
  await stack.startWorker();
  await waitFor(async () => (await progress()).succeeded === 3_000, {
    what: '3,000 to succeed',
  });
  expect(await progress()).toMatchObject({ status: 'completed', queued: 3_000 });
  expect(new Set(receiver.events.map(({ headers }) => headers['webhook-id'])).size).toBe(3_000);
  await stack.stop();
  await receiver.close();
});
