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

it('continues a replay of 1,200 events in another worker after a kill, and sends each event (L15)', async () => {
  const [backend = 'postgres'] = inject('queueBackends');
  const stack = await startStack({ backend });
  const receiver = await openReceiver();
  const { account, id } = await stack.subscribe(receiver.url);
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  await client.query(
    `INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
       SELECT posthorn_uuidv7(), $1, 'message:created', convert_to('{"event":"message:created","payload":{"n":' || n || '}}', 'UTF8'), 0, now()
       FROM generate_series(1, 1200) n`,
    [account],
  );
  // The worker waits for this lock in the middle of a later step, until it is killed there.
  await client.query(`
    CREATE FUNCTION wait_in_the_middle() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.queued > 500 THEN PERFORM pg_advisory_xact_lock(42); END IF; RETURN NEW; END $$;
    CREATE TRIGGER wait_in_the_middle AFTER UPDATE ON replays FOR EACH ROW EXECUTE FUNCTION wait_in_the_middle();
    SELECT pg_advisory_lock(42)`);
  const started = await stack.call<Progress>('POST', `/v1/accounts/${account}/subscriptions/${id}/replay`, {
    since: '2020-01-01T00:00:00Z',
    which: 'missed',
  });
  expect(started.matched).toBe(1_200);
  const progress = () => stack.call<Progress>('GET', `/v1/accounts/${account}/replays/${started.id}`);
  const isWaiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
  await waitFor(async () => (await client.query(isWaiting)).rows.length > 0, {
    what: 'the worker to wait for the lock',
  });
  stack.workers[0]?.kill('SIGKILL');
  expect((await progress()).status).toBe('running');
  await client.query('SELECT pg_advisory_unlock(42)');
  await client.end();
  await stack.startWorker();
  await waitFor(async () => (await progress()).succeeded === 1_200, {
    what: '1,200 to succeed',
  });
  expect(await progress()).toMatchObject({ status: 'completed', queued: 1_200 });
  expect(new Set(receiver.events.map(({ headers }) => headers['webhook-id'])).size).toBe(1_200);
  await stack.stop();
  await receiver.close();
});
