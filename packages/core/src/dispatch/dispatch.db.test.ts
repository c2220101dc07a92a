import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction } from '../database.js';
import { FAILED, type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { lockShards, SHARDS } from '../shards.js';
import { leaseDue, LOCK_CLASS } from './lease-due.js';
import { dispatch } from './dispatch.js';
import { reclaim } from './reclaim.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  await ledger.publisher.drain();
  ledger.jobs.length = 0;
  ledger.results.length = 0;
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries');
});

const makeDue = () =>
  ledger.db.pool.query(`UPDATE pending_deliveries SET leased_until = NULL WHERE due_at IS NOT NULL`);

describe('dispatcher', () => {
  it('finds events that were accepted but never enqueued, and enqueues each once per lease', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: 20 }, () => ledger.publish(accountId)));
    await ledger.publisher.drain();
    ledger.jobs.length = 0; // the queue has lost everything
    expect((await dispatch(ledger)).enqueued).toBe(0); // not before the lease has ended
    await makeDue();
    expect((await dispatch(ledger)).enqueued).toBe(20);
    expect((await dispatch(ledger)).enqueued).toBe(0);
    await ledger.work();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(20);
  });

  it('a finished job may block only a delivery whose lease has expired', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.db.prisma.subscription.update({ where: { id }, data: { rateLimit: 10 } });
    await ledger.publish(accountId); // deferred
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    const kinds = async () => {
      await dispatch(ledger);
      return ledger.jobs.splice(0).map(({ leasedBefore }) => leasedBefore);
    };
    expect(await kinds()).toEqual(['deferred']);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = due_at - interval '70 seconds', leased_until = leased_until - interval '70 seconds'`,
    );
    expect(await kinds()).toEqual(['expired', 'expired']);
  });

  it('after the queue lost its jobs, deliveries do not wait for their leases, only until they are due', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    const [first] = ledger.jobs.splice(0);
    ledger.results.push(FAILED);
    if (first) await ledger.attempter({ waitsMs: [600_000] }).attempt(first, new AbortController().signal);
    ledger.jobs.length = 0;
    expect(await reclaim(ledger.db.pool)).toBe(2);
    expect(await reclaim(ledger.db.pool)).toBe(0);
    expect((await dispatch(ledger)).enqueued).toBe(1);
    const later = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId, attemptCount: 1 } });
    expect(later).toMatchObject({ status: 'pending', leasedUntil: null });
    expect(later.dueAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it('enqueues first attempts in `deliver` and later ones in `retry`', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    ledger.results.push(FAILED);
    await ledger.work();
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    // Their leases have ended.
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now() - interval '1 minute', leased_until = now() WHERE due_at IS NOT NULL`,
    );
    await dispatch(ledger);
    expect(new Set(ledger.jobs.map(({ queue, attemptNumber }) => `${queue} ${attemptNumber}`))).toEqual(
      new Set(['deliver 1', 'retry 4']),
    );
  });

  it('is fair: a single delivery of another subscription is in the first round beside a backlog of 300', async () => {
    const [large, small] = [await ledger.account(), await ledger.account()];
    await ledger.activeSubscription(large);
    await ledger.activeSubscription(small);
    await Promise.all(Array.from({ length: 300 }, () => ledger.publish(large)));
    await ledger.publish(small);
    await makeDue();
    const leased = await leaseDue(ledger.db.pool, { perSubscription: 50, limit: 60, shards: SHARDS });
    expect(leased).toHaveLength(31); // each account gets half, and one does not need its half
    const smalls = await ledger.db.prisma.delivery.findMany({ where: { accountId: small } });
    expect(leased.some(({ id }) => id === smalls[0]?.id)).toBe(true);
  });

  it('with room for fewer than all, no subscription gets a second delivery before all have a first', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => ledger.account()));
    for (const accountId of accounts) await ledger.activeSubscription(accountId);
    for (const accountId of accounts) await Promise.all(Array.from({ length: 10 }, () => ledger.publish(accountId)));
    await makeDue();
    const leased = await leaseDue(ledger.db.pool, { perSubscription: 50, limit: 5, shards: SHARDS });
    const owners = await ledger.db.prisma.delivery.findMany({ where: { id: { in: leased.map(({ id }) => id) } } });
    expect(new Set(owners.map(({ accountId }) => accountId)).size).toBe(5);
  });

  it('concurrent dispatchers lease each delivery once', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: 200 }, () => ledger.publish(accountId)));
    await makeDue();
    const rounds = await Promise.all(
      Array.from({ length: 4 }, () => leaseDue(ledger.db.pool, { perSubscription: 200, limit: 1_000, shards: SHARDS })),
    );
    const ids = rounds.flat().map(({ id }) => id);
    expect(ids).toHaveLength(200);
    expect(new Set(ids).size).toBe(200);
  });

  it('enqueues deliveries that the queue did not accept again within seconds', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await makeDue();
    ledger.setQueue(false);
    await dispatch(ledger);
    ledger.setQueue(true);
    const { leasedUntil } = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    expect((leasedUntil?.getTime() ?? 0) - Date.now()).toBeLessThan(3_000);
  });

  it('regression: does not count rejected jobs as enqueued, so it does not spin while the queue is down', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await makeDue();
    ledger.setQueue(false);
    expect((await dispatch(ledger)).enqueued).toBe(0);
    ledger.setQueue(true);
    await makeDue();
    expect((await dispatch(ledger)).enqueued).toBe(1);
  });
});

describe('several dispatchers', () => {
  /** Accounts in `count` shards, each with a subscription that has deliveries due. */
  async function pendingInShards(count: number, each: number): Promise<Map<number, string[]>> {
    const shards = new Map<number, string[]>();
    while (shards.size < count) {
      const accountId = await ledger.account();
      const { rows } = await ledger.db.pool.query<{ shard: number }>('SELECT posthorn_shard($1) AS shard', [accountId]);
      const shard = rows[0]?.shard ?? 0;
      if (shards.has(shard)) continue;
      await ledger.activeSubscription(accountId);
      await Promise.all(Array.from({ length: each }, () => ledger.publish(accountId)));
      const deliveries = await ledger.db.prisma.delivery.findMany({ where: { accountId } });
      shards.set(
        shard,
        deliveries.map(({ id }) => id),
      );
    }
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    await makeDue();
    return shards;
  }
  const dispatched = () => ledger.jobs.map(({ id }) => id).toSorted();

  it('share the shards and enqueue each delivery once', async () => {
    const pendingIds = [...(await pendingInShards(6, 10)).values()].flat();
    const enqueued: string[] = [];
    const enqueue: Ledger['enqueue'] = (_, due) => {
      enqueued.push(...due.map(({ id }) => id));
      return Promise.resolve(true);
    };
    const others = [openSingleConnection(ledger.db), openSingleConnection(ledger.db)];
    const dispatchers = [ledger.db, ...others.map((pool) => ({ ...ledger.db, pool }))];
    for (let isMoreDue = true; isMoreDue;)
      isMoreDue = (await Promise.all(dispatchers.map((db) => dispatch({ db, enqueue })))).some((one) => one.isMoreDue);
    expect(enqueued.toSorted()).toEqual(pendingIds.toSorted());
    for (const pool of others) await pool.end();
  });

  it('leave a shard to the process that holds it, and check it when that process dies', async () => {
    const pendingIds = await pendingInShards(3, 2);
    const [[held, ofHeld] = [0, []], ...others] = pendingIds;
    const dying = openSingleConnection(ledger.db);
    const holder = await dying.connect();
    holder.on('error', () => {}); // it is closed from outside
    await holder.query('BEGIN');
    await lockShards(holder, { lockClass: LOCK_CLASS, shards: [held] });
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await dispatch(ledger);
    expect(dispatched()).toEqual(others.flatMap(([, ids]) => ids).toSorted());
    ledger.jobs.length = 0;
    await ledger.db.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await waitFor(async () => (await dispatch(ledger)).enqueued > 0, { what: 'the shard to be served' });
    expect(dispatched()).toEqual(ofHeld.toSorted());
    holder.release(true);
    await dying.end();
  });
});

describe('deliveries that are committed while the dispatcher looks', () => {
  /** Runs `look` while another transaction has written a delivery of the subscription but not committed it. */
  async function publishAround(
    { id, accountId }: { id: string; accountId: string },
    leasedUntil: string,
    look: () => Promise<unknown>,
  ): Promise<string> {
    const pool = openSingleConnection(ledger.db);
    const { rows } = await inTransaction(pool, async (client) => {
      const inserted = await client.query<{ id: string }>(
        `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at, leased_until)
         VALUES (posthorn_uuidv7(), $1, posthorn_uuidv7(), 'message:created', $2, 'pending', now(), ${leasedUntil}) RETURNING id`,
        [accountId, id],
      );
      await look();
      return inserted;
    });
    await pool.end();
    return rows[0]?.id ?? '';
  }
  const nextLook = async (subscriptionId: string) =>
    (
      await ledger.db.pool.query<{ seconds: number | null }>(
        `SELECT extract(epoch FROM min(due_at) - now())::float8 AS seconds FROM due_subscriptions WHERE subscription_id = $1`,
        [subscriptionId],
      )
    ).rows[0]?.seconds;

  it('are seen by the next round, although the one before found nothing', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    const waiting = await publishAround({ id, accountId }, 'NULL', async () => {
      await ledger.publish(accountId);
      await ledger.publisher.drain();
      await makeDue();
      ledger.jobs.length = 0;
      expect((await dispatch(ledger)).enqueued).toBe(1);
    });
    ledger.jobs.length = 0;
    await dispatch(ledger);
    expect(ledger.jobs.map((job) => job.id)).toEqual([waiting]);
  });

  it('are checked when their lease ends, although a round that did not see them deleted the subscription’s entry', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.work(); // its entry stays until its lease would have ended
    expect(await nextLook(id)).toBeGreaterThan(30);
    const age = (seconds: number) =>
      ledger.db.pool.query(`UPDATE due_subscriptions SET due_at = due_at - $1 * interval '1 second'`, [seconds]);
    await age(40);
    await publishAround({ id, accountId }, `now() + interval '60 seconds'`, async () => {
      await age(40);
      await dispatch(ledger);
    });
    expect(await nextLook(id)).toBeLessThanOrEqual(60);
  });

  it('an entry of the last half minute covers everything published and leased meanwhile', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    for (let count = 0; count < 5; count += 1) await ledger.publish(accountId);
    await ledger.publisher.drain();
    const { rowCount } = await ledger.db.pool.query('SELECT FROM due_subscriptions WHERE subscription_id = $1', [id]);
    expect(rowCount).toBe(1);
  });
});
