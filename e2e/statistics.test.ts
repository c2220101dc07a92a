import { isWaitingForLock, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { expect, it } from 'vitest';
import { startStack } from './stack.js';

it('counts everything exactly once after a kill of a worker that folds statistics', async () => {
  const stack = await startStack({ backend: 'postgres', workers: 0 });
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  await stack.call('PUT', '/v1/accounts/counted', {}, 201);
  await client.query(
    `INSERT INTO stat_deltas (account_id, event_type, at, count)
     SELECT 'counted', 'message:created', date_bin('1 minute', now(), 'epoch'), 1 FROM generate_series(1, 12000)`,
  );
  // The worker waits for this lock in the middle of its second step, until it is killed there.
  await client.query(`
    CREATE FUNCTION wait_in_the_middle() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.accepted > 5000 THEN PERFORM pg_advisory_xact_lock(42); END IF; RETURN NEW; END $$;
    CREATE TRIGGER wait_in_the_middle AFTER UPDATE ON stats FOR EACH ROW EXECUTE FUNCTION wait_in_the_middle();
    SELECT pg_advisory_lock(42)`);
  const accepted = async () =>
    (await stack.call<{ totals: { accepted: number } }>('GET', '/v1/accounts/counted/stats')).totals.accepted;
  const unfolded = async () => (await client.query('SELECT FROM stat_deltas')).rows.length;

  const worker = await stack.startWorker();
  await waitFor(() => isWaitingForLock(client), { what: 'the worker to wait for the lock' });
  worker.kill('SIGKILL');
  expect([await unfolded(), await accepted()]).toEqual([7_000, 12_000]);
  await client.query('SELECT pg_advisory_unlock(42)');
  await stack.startWorker();
  await waitFor(async () => (await unfolded()) === 0, { what: 'the rest to be folded' });
  expect(await accepted()).toBe(12_000);
  await client.end();
  await stack.stop();
});
