import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { newId } from '../id.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { recordWorker, type WorkerSigns } from '../workers/record-worker.js';
import { removeWorker } from '../workers/remove-worker.js';
import { SHARDS } from '../shards.js';
import { foldStats } from '../stats/fold-stats.js';
import { countAllSubscriptions } from './count-all-subscriptions.js';
import { readLedgerMetrics } from './read-ledger-metrics.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  await ledger.publisher.drain();
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries, workers');
  await ledger.db.pool.query('DELETE FROM accounts');
});

const { signal } = new AbortController();
const read = () => readLedgerMetrics(ledger.db.pool);
const worker = (signs: Partial<WorkerSigns> = {}): WorkerSigns => ({
  id: newId(),
  hostname: 'worker-1',
  version: '1.2.3',
  upForMs: 60_000,
  lastJobMsAgo: null,
  lastDispatchMsAgo: null,
  ...signs,
});
const beat = (signs: Partial<WorkerSigns> = {}) => recordWorker(ledger.db.pool, worker(signs));
/** A dispatcher is alive, and stays so however slow the machine is: deliveries that wait for their endpoint may wait. */
const dispatcherWorks = () => beat({ lastDispatchMsAgo: -3_600_000 });

/** Creates a subscription with `count` deliveries that have been due, without a lease, for `seconds`. */
async function withOverdue(count: number, seconds: number, change = 'updated_at = now()'): Promise<string> {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await Promise.all(Array.from({ length: count }, () => ledger.publish(accountId)));
  await ledger.db.pool.query(
    `UPDATE pending_deliveries SET due_at = now() - $2 * interval '1 second', leased_until = NULL WHERE subscription_id = $1`,
    [id, seconds],
  );
  await ledger.db.pool.query(`UPDATE subscriptions SET ${change} WHERE id = $1`, [id]);
  return id;
}

describe('overdue deliveries', () => {
  it('are none in an empty ledger', async () => {
    expect(await read()).toEqual({
      overdue: 0,
      oldestOverdueSeconds: null,
      deferred: 0,
      scheduled: 0,
      deferredByCircuit: 0,
      mostBehind: [],
      held: 0,
      expanding: 0,
      oldestExpandingSeconds: null,
      oldestExpanding: null,
      operationalEvents: 0,
      statDeltas: 0,
      oldestStatDeltaSeconds: null,
      lastDispatchAt: null,
      workers: [],
      partitionsAheadSeconds: expect.any(Number),
    });
  });

  it('are reported with the number and age of statistics rows that are not folded yet', async () => {
    await ledger.db.pool.query(
      `INSERT INTO stat_deltas (account_id, event_type, at, count)
       SELECT account, 'message:created', now() - interval '61 minutes', 1 FROM unnest('{a,b,c}'::text[]) AS account`,
    );
    const { statDeltas, oldestStatDeltaSeconds } = await read();
    expect(statDeltas).toBe(3);
    expect(oldestStatDeltaSeconds).toBeGreaterThanOrEqual(3_600);
    for (const shard of SHARDS) await foldStats(ledger.db.pool, { shard, atOnce: 10 });
    expect(await read()).toMatchObject({ statDeltas: 0, oldestStatDeltaSeconds: null });
  });

  it('are due without a lease, over all subscriptions, with the age of the oldest', async () => {
    await dispatcherWorks();
    await withOverdue(3, 30);
    await withOverdue(2, 100);
    const { overdue, deferred, oldestOverdueSeconds } = await read();
    expect([overdue, deferred]).toEqual([5, 5]);
    expect(Math.floor(oldestOverdueSeconds ?? 0)).toBeGreaterThanOrEqual(100);
    expect(oldestOverdueSeconds).toBeLessThan(160);
  });

  it('do not include leased, future, succeeded or just due deliveries', async () => {
    await dispatcherWorks();
    const id = await withOverdue(4, 100);
    const next = `SELECT id FROM pending_deliveries WHERE subscription_id = $1 AND due_at < now() - interval '60 seconds' AND leased_until IS NULL LIMIT 1`;
    const set = (change: string) =>
      ledger.db.pool.query(`UPDATE pending_deliveries SET ${change} WHERE id = (${next})`, [id]);
    await set(`leased_until = now() + interval '50 seconds'`);
    await set(`due_at = now() + interval '3 hours'`);
    const { rows } = await ledger.db.pool.query<{ id: string }>(next, [id]);
    const end = await ledger.attempter().attempt({ id: rows[0]?.id ?? '', attemptNumber: 1 }, signal);
    expect(end).toMatchObject({ report: { deliveryStatus: 'succeeded' } });
    await set(`due_at = now() - interval '1 second'`);
    expect(await read()).toMatchObject({ overdue: 0, oldestOverdueSeconds: null, deferred: 1 });
  });

  it('do not include scheduled ones, which are counted in the ledger and in the queue', async () => {
    await dispatcherWorks();
    const id = await withOverdue(4, 1);
    await withOverdue(1, 1);
    const next = `SELECT id FROM pending_deliveries WHERE subscription_id = $1 AND due_at <= now() LIMIT 1`;
    const set = (change: string) =>
      ledger.db.pool.query(`UPDATE pending_deliveries SET ${change} WHERE id = (${next})`, [id]);
    await set(`due_at = now() + interval '3 hours'`);
    await set(`due_at = now() + interval '3 minutes', leased_until = now() + interval '4 minutes'`);
    expect(await read()).toMatchObject({ scheduled: 2, deferred: 3 });
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET leased_until = now() + interval '1 minute' WHERE due_at <= now()`,
    );
    expect(await read()).toMatchObject({ scheduled: 2, deferred: 0 });
  });

  it('are measured from when they were due, not from when they were published', async () => {
    await dispatcherWorks();
    await withOverdue(1, 20);
    await ledger.db.pool.query(`UPDATE pending_deliveries SET created_at = now() - interval '9 hours'`);
    const { overdue, oldestOverdueSeconds } = await read();
    expect(overdue).toBe(1);
    expect(oldestOverdueSeconds).toBeLessThan(80);
    await ledger.db.pool.query(`UPDATE pending_deliveries SET due_at = now() + interval '1 minute'`);
    expect(await read()).toMatchObject({ overdue: 0, oldestOverdueSeconds: null, deferred: 0 });
  });

  it('the accounts that have been behind for the longest time come first, whatever they wait for', async () => {
    await dispatcherWorks();
    const circuit = await withOverdue(3, 300, `circuit_open_until = now() + interval '5 minutes'`);
    await withOverdue(2, 100);
    await withOverdue(1, 1);
    const { accountId } = await ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id: circuit } });
    const { mostBehind, deferred, deferredByCircuit } = await read();
    expect(mostBehind).toMatchObject([{ accountId, deferred: 3 }, { deferred: 2 }]);
    expect([deferred, deferredByCircuit]).toEqual([6, 3]);
    expect(mostBehind[0]?.oldestDueSeconds).toBeGreaterThanOrEqual(300);
    for (let account = 0; account < 4; account += 1) await withOverdue(1, 50);
    expect((await read()).mostBehind).toHaveLength(5);
  });

  it('include a requested attempt whose lease has ended, whatever the schedule', async () => {
    await dispatcherWorks();
    await withOverdue(1, 20);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now() + interval '2 hours', leased_until = now() - interval '20 seconds', requested_trigger = 'manual'`,
    );
    expect(await read()).toMatchObject({ overdue: 1 });
  });

  it.each([
    ['its circuit is open', `circuit_open_until = now() + interval '5 minutes'`, false],
    ['its circuit lets a probe through', `circuit_open_until = now() - interval '1 second'`, true],
    ['it has a rate limit', 'rate_limit = 1', true],
    ['its capacity is reduced', 'concurrency_limit = 3', true],
  ])('do not include deliveries that wait because %s, while a dispatcher is alive', async (_, change, isTaken) => {
    await withOverdue(2, 100, change);
    await dispatcherWorks();
    expect(await read()).toMatchObject({ overdue: 0, oldestOverdueSeconds: null, deferred: 2 });
    await ledger.db.pool.query(`UPDATE workers SET last_dispatch_at = now() - interval '21 seconds'`);
    expect(await read()).toMatchObject({ overdue: isTaken ? 2 : 0, deferred: 2 });
    await ledger.db.pool.query('TRUNCATE workers');
    expect(await read()).toMatchObject({ overdue: isTaken ? 2 : 0, deferred: 2 });
  });

  it('are counted up to 10,000, like held deliveries', async () => {
    await dispatcherWorks();
    const id = await withOverdue(2, 100);
    const copy = (status: 'pending' | 'held') =>
      ledger.db.pool.query(
        `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at)
         SELECT posthorn_delivery_id(event_id), account_id, event_id, event_type, subscription_id, $2::delivery_status,
           CASE $2 WHEN 'pending' THEN due_at END
         FROM (SELECT * FROM deliveries WHERE subscription_id = $1 LIMIT 1) d, generate_series(1, 10001)`,
        [id, status],
      );
    await copy('pending');
    expect(await read()).toMatchObject({ overdue: 10_000, deferred: 10_000, held: 0 });
    await copy('held');
    expect(await read()).toMatchObject({ overdue: 10_000, deferred: 10_000, held: 10_000 });
  });
});

it('counts held deliveries, statuses of subscriptions and circuits that are not closed, without deleted subscriptions', async () => {
  expect(await countAllSubscriptions(ledger.db.pool)).toEqual({
    subscriptions: { unverified: 0, active: 0, paused: 0, disabled: 0 },
    circuits: { open: 0, halfOpen: 0 },
  });
  const paused = await ledger.account();
  const { id } = await ledger.activeSubscription(paused);
  await ledger.publish(paused);
  await pauseSubscription(ledger, { accountId: paused, id });
  await ledger.publish(paused);
  await withOverdue(0, 0, `circuit_open_until = now() + interval '1 minute'`);
  await withOverdue(0, 0, `circuit_open_until = now() - interval '1 minute'`);
  await withOverdue(0, 0);
  await withOverdue(0, 0, `deleted_at = now(), circuit_open_until = now() + interval '1 minute'`);
  await withOverdue(0, 0, `status = 'disabled', circuit_open_until = now() + interval '1 minute'`);
  expect(await read()).toMatchObject({ overdue: 0, held: 2 });
  expect(await countAllSubscriptions(ledger.db.pool)).toEqual({
    subscriptions: { unverified: 0, active: 3, paused: 1, disabled: 1 },
    circuits: { open: 1, halfOpen: 1 },
  });
});

describe('a worker', () => {
  const age = (id: string, interval: string) =>
    ledger.db.pool.query('UPDATE workers SET seen_at = now() - $2::interval WHERE id = $1', [id, interval]);

  it('is alive while it reports, and its times use the database clock', async () => {
    const signs = worker({ lastJobMsAgo: 2_000, lastDispatchMsAgo: 1_000 });
    await recordWorker(ledger.db.pool, signs);
    const { workers, lastDispatchAt } = await read();
    expect(workers).toEqual([
      {
        hostname: 'worker-1',
        version: '1.2.3',
        isAlive: true,
        startedAt: expect.any(Date),
        seenAt: expect.any(Date),
        lastJobAt: expect.any(Date),
      },
    ]);
    const [{ startedAt, seenAt, lastJobAt } = { startedAt: null, seenAt: null, lastJobAt: null }] = workers;
    const ago = (time: Date | null) => (seenAt?.getTime() ?? NaN) - (time?.getTime() ?? NaN);
    expect([ago(startedAt), ago(lastJobAt), ago(lastDispatchAt)]).toEqual([60_000, 2_000, 1_000]);
  });

  it('is not alive 20 seconds after its last report, and alive again when it reports', async () => {
    const signs = worker();
    await recordWorker(ledger.db.pool, signs);
    await age(signs.id, '19 seconds');
    expect((await read()).workers).toMatchObject([{ isAlive: true }]);
    await age(signs.id, '21 seconds');
    expect((await read()).workers).toMatchObject([{ isAlive: false, lastJobAt: null }]);
    await recordWorker(ledger.db.pool, { ...signs, lastJobMsAgo: 0 });
    expect((await read()).workers).toMatchObject([{ isAlive: true, lastJobAt: expect.any(Date) }]);
  });

  it('is removed by another worker ten minutes after it died; one that was only unreachable is added again', async () => {
    const [dead, other] = [worker({ hostname: 'dead' }), worker({ hostname: 'other' })];
    await recordWorker(ledger.db.pool, dead);
    await age(dead.id, '9 minutes');
    await recordWorker(ledger.db.pool, other);
    expect((await read()).workers.map(({ hostname }) => hostname).toSorted()).toEqual(['dead', 'other']);
    await age(dead.id, '11 minutes');
    await recordWorker(ledger.db.pool, other);
    expect((await read()).workers).toMatchObject([{ hostname: 'other' }]);
    await age(other.id, '11 minutes');
    await recordWorker(ledger.db.pool, other);
    await recordWorker(ledger.db.pool, dead);
    expect((await read()).workers).toMatchObject([{ isAlive: true }, { isAlive: true }]);
  });

  it('is removed when it stops; the last round of a dispatcher that died is kept', async () => {
    const [left, dead] = [worker({ lastDispatchMsAgo: 0 }), worker({ lastDispatchMsAgo: 30_000 })];
    await recordWorker(ledger.db.pool, left);
    await recordWorker(ledger.db.pool, dead);
    await removeWorker(ledger.db.pool, left.id);
    await removeWorker(ledger.db.pool, left.id);
    const { workers, lastDispatchAt } = await read();
    expect(workers).toHaveLength(1);
    expect((workers[0]?.seenAt.getTime() ?? 0) - (lastDispatchAt?.getTime() ?? 0)).toBe(30_000);
  });
});
