import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { changesPending, interpose, type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import type { SubscriptionKey } from '../subscriptions/subscription.js';
import { releaseDeliveries } from './release-deliveries.js';
import { settleStep } from './settle-step.js';
import { ROWS_AT_ONCE } from './verb.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
  await ledger.db.pool.query('TRUNCATE settlements, pending_deliveries, finished_deliveries');
});

/** An active subscription with `count` pending deliveries. */
async function withPending(count: number): Promise<SubscriptionKey> {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  await ledger.db.pool.query(
    `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at, leased_until)
     SELECT posthorn_delivery_id(event_id), account_id, event_id, event_type, subscription_id, status, due_at, leased_until
     FROM pending_deliveries, generate_series(2, $2) WHERE subscription_id = $1`,
    [id, count],
  );
  return { accountId, id };
}

async function statuses({ id }: SubscriptionKey): Promise<Record<string, number>> {
  const { rows } = await ledger.db.pool.query<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM deliveries WHERE subscription_id = $1 GROUP BY status',
    [id],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

async function settlement({ id }: SubscriptionKey) {
  const { rows } = await ledger.db.pool.query<{ position: string | null; isDue: boolean }>(
    'SELECT position, due_at <= now() AS "isDue" FROM settlements WHERE subscription_id = $1',
    [id],
  );
  return rows[0] ?? null;
}

const passTime = (seconds: number) =>
  ledger.db.pool.query(
    `UPDATE settlements t SET changed_at = changed_at - p.time, walk_at = walk_at - p.time, due_at = due_at - p.time
     FROM (SELECT $1 * interval '1 second' AS time) p`,
    [seconds],
  );

/** A process that crashes before it changes a delivery. */
const ended = () =>
  interpose(ledger.db, (statement, run) =>
    changesPending(statement) ? Promise.reject(new Error('the process ended')) : run(),
  );

/** Makes all due steps, like a worker. Returns how many deliveries each changed. */
async function work(atOnce?: number): Promise<number[]> {
  const counts: number[] = [];
  for (let step = await next(); step; step = await next()) counts.push(step.count);
  return counts;

  function next() {
    return settleStep(ledger.db.pool, atOnce === undefined ? {} : { atOnce });
  }
}

describe('a change of a subscription with a large backlog', () => {
  it('changes at most 2,000 deliveries within the request; workers change the rest, at most 2,000 per statement', async () => {
    const key = await withPending(2 * ROWS_AT_ONCE + 1);
    await ledger.db.pool.query(`
      CREATE TABLE changed_at_once (count int);
      CREATE FUNCTION note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO changed_at_once SELECT count(*) FROM changed; RETURN NULL; END $$;
      CREATE TRIGGER note_changed AFTER UPDATE ON pending_deliveries
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed();
      CREATE TRIGGER note_finished AFTER DELETE ON pending_deliveries
        REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed()`);
    const changes = async () => {
      const { rows } = await ledger.db.pool.query<{ count: number }>('DELETE FROM changed_at_once RETURNING count');
      return rows.map(({ count }) => count).filter((count) => count > 0);
    };
    for (const change of [pauseSubscription, resumeSubscription, disableSubscription]) {
      await change(ledger, key);
      expect(await changes()).toEqual([ROWS_AT_ONCE]);
      await work();
      expect(await changes()).toEqual([ROWS_AT_ONCE, 1]);
    }
    expect(await statuses(key)).toEqual({ canceled: 2 * ROWS_AT_ONCE + 1 });
    await ledger.db.pool.query('DROP FUNCTION note_changed CASCADE; DROP TABLE changed_at_once');
  });

  it('regression: reads no more rows than it releases, with statistics from before the pause', async () => {
    const key = await withPending(1_000);
    await ledger.db.pool.query('ANALYZE pending_deliveries');
    await pauseSubscription(ledger, key);
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'active' WHERE id = $1`, [key.id]);
    const pool = openSingleConnection(ledger.db);
    onTestFinished(() => pool.end());
    await pool.query('BEGIN');
    expect(await releaseDeliveries(pool, { subscriptionId: key.id })).toEqual({ position: null, count: 1_000 });
    const { rows } = await pool.query<{ read: number }>(
      `SELECT (seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables WHERE relname = 'pending_deliveries'`,
    );
    await pool.query('COMMIT');
    expect(rows[0]?.read).toBeLessThan(20_000);
  });

  it('reads held deliveries in steps as well', async () => {
    const key = await withPending(5);
    await pauseSubscription(ledger, key);
    await passTime(2);
    expect((await work(2)).slice(0, 3)).toEqual([0, 0, 0]);
  });
});

describe('a process that crashes', () => {
  it.each([
    ['paused', pauseSubscription, 'held'],
    ['disabled', disableSubscription, 'canceled'],
    ['deleted', deleteSubscription, 'canceled'],
  ] as const)(
    'right after a subscription is %s leaves the rest to a worker, and nothing is sent',
    async (_, change, status) => {
      const key = await withPending(3);
      await expect(change({ db: ended() }, key)).rejects.toThrow('the process ended');
      expect(await statuses(key)).toEqual({ pending: 3 });
      expect(await work(), 'another step has leased it').toEqual([]);
      await passTime(60);
      await work();
      expect(await statuses(key)).toEqual({ [status]: 3 });
      await ledger.work();
      expect(ledger.posts).toEqual([]);
    },
  );

  it('in the middle of a walk: another process continues it', async () => {
    const key = await withPending(5);
    await expect(pauseSubscription({ db: ended() }, key)).rejects.toThrow('the process ended');
    await passTime(60);
    await settleStep(ledger.db.pool, { atOnce: 2 });
    await expect(settleStep(ended().pool, { atOnce: 2 })).rejects.toThrow('the process ended');
    expect(await statuses(key)).toEqual({ held: 2, pending: 3 });
    await passTime(60);
    expect((await work(2)).slice(0, 2)).toEqual([2, 1]);
    expect(await statuses(key)).toEqual({ held: 5 });
  });

  it('before the settlement: a worker that loads a delivery settles it at once and does not send it', async () => {
    const key = await withPending(3);
    await expect(pauseSubscription({ db: ended() }, key)).rejects.toThrow('the process ended');
    await ledger.db.pool.query('DELETE FROM settlements');
    await ledger.work();
    expect(ledger.posts).toEqual([]);
    expect(await statuses(key)).toEqual({ held: 3 });
  });
});

describe('a subscription that is resumed while its deliveries are being held', () => {
  it('has no held deliveries in the end', async () => {
    const key = await withPending(5);
    await expect(pauseSubscription({ db: ended() }, key)).rejects.toThrow('the process ended');
    await passTime(60);
    await settleStep(ledger.db.pool, { atOnce: 2 });
    await resumeSubscription(ledger, key);
    expect(await statuses(key)).toEqual({ pending: 5 });
  });

  it('keeps its new walk when a step of the old one ends', async () => {
    const key = await withPending(5);
    await expect(pauseSubscription({ db: ended() }, key)).rejects.toThrow('the process ended');
    await passTime(60);
    const db = interpose(ledger.db, async (statement, run) => {
      const result = await run();
      // The step has held two; the resume ends before the step stores its position.
      if (changesPending(statement)) await expect(resumeSubscription({ db: ended() }, key)).rejects.toThrow('ended');
      return result;
    });
    await settleStep(db.pool, { atOnce: 2 });
    expect(await settlement(key)).toEqual({ position: null, isDue: false });
    await passTime(60);
    await work(2);
    expect(await statuses(key)).toEqual({ pending: 5 });
  });
});

describe('a settlement', () => {
  it('settles deliveries of a publish that read the old state', async () => {
    const key = await withPending(2);
    await pauseSubscription(ledger, key);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET status = 'pending', due_at = now() WHERE id = (SELECT min(id::text)::uuid FROM pending_deliveries)`,
    );
    await passTime(2);
    expect((await work())[0]).toBe(1);
    expect(await statuses(key)).toEqual({ held: 2 });
  });

  it('ends with the first walk that begins a minute after the change', async () => {
    const key = await withPending(1);
    await pauseSubscription(ledger, key);
    await passTime(30);
    await work();
    expect(await settlement(key)).toMatchObject({ isDue: false });
    await passTime(60);
    await work();
    expect(await settlement(key)).toBeNull();
  });

  it('is deleted with its subscription', async () => {
    const key = await withPending(1);
    await pauseSubscription(ledger, key);
    await ledger.db.pool.query('DELETE FROM subscriptions WHERE id = $1', [key.id]);
    expect(await settlement(key)).toBeNull();
  });
});
