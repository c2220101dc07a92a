import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { dispatch } from '../dispatch/dispatch.js';
import { listenForWork, wakeDispatchers } from '../dispatch/wake.js';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { requestRetry } from './request-retry.js';
import { openConcurrencyLimiter } from '../throttle/concurrency-limiter.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  await ledger.publisher.drain();
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries');
});

const { signal } = new AbortController();
const TIMEOUT = { outcome: 'timeout' as const, statusCode: null };
const subscriptionNow = (id: string) => ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id } });
const publishMany = async (accountId: string, count: number) => {
  await Promise.all(Array.from({ length: count }, () => ledger.publish(accountId)));
  await ledger.publisher.drain();
};
/** How many deliveries are not leased. */
const deferred = (accountId: string) =>
  ledger.db.prisma.delivery.count({
    where: {
      accountId,
      status: 'pending',
      dueAt: { lte: new Date() },
      OR: [{ leasedUntil: null }, { leasedUntil: { lte: new Date() } }],
    },
  });
/** Ends the open time of the circuit. */
const letTimePass = (id: string) =>
  ledger.db.pool.query(
    `UPDATE subscriptions SET circuit_open_until = now() WHERE id = $1 AND circuit_open_until IS NOT NULL`,
    [id],
  );

async function openACircuit() {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  ledger.results.push(TIMEOUT);
  await publishMany(accountId, 3);
  await ledger.work();
  expect((await subscriptionNow(id)).circuitOpenUntil).not.toBeNull();
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
  return { accountId, id };
}

describe('backlog', () => {
  it('leases at most its capacity to the queue; the dispatcher enqueues the rest as capacity allows', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.db.pool.query('UPDATE subscriptions SET concurrency_limit = 40 WHERE id = $1', [id]);
    await publishMany(accountId, 100);
    expect(ledger.jobs).toHaveLength(40);
    expect(ledger.jobs.map(({ rank }) => rank)).toEqual(Array.from({ length: 40 }, (_, n) => n)); // only the first goes before other subscriptions
    expect(await deferred(accountId)).toBe(60);
    expect(await dispatch(ledger)).toEqual({ enqueued: 0, isMoreDue: true });
    const first = ledger.jobs.splice(0, 10);
    for (const job of first) await ledger.attempter().attempt(job, signal);
    await ledger.passSecond();
    expect((await dispatch(ledger)).enqueued).toBe(10);
    await ledger.settle();
    expect(ledger.posts).toHaveLength(100);
  });

  it('an account’s backlog of 2,000 leaves the first place in the queue to another account’s next event', async () => {
    const [large, small] = [await ledger.account(), await ledger.account()];
    await ledger.activeSubscription(large);
    await ledger.activeSubscription(small);
    await publishMany(large, 2_000);
    // Two concurrent statements, of at most 200 events each, do not see each other.
    expect(ledger.jobs.length).toBeLessThanOrEqual(MAX_CAPACITY + 400);
    const before = ledger.jobs.filter(({ rank }) => rank === 0).length;
    await publishMany(small, 1);
    expect(ledger.jobs.at(-1)?.rank).toBe(0);
    expect(before).toBeLessThan(10);
  });

  it('sends the oldest first', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.db.pool.query('UPDATE subscriptions SET concurrency_limit = 1 WHERE id = $1', [id]);
    const eventIds: string[] = [];
    for (let count = 0; count < 20; count += 1) eventIds.push(await ledger.publish(accountId));
    await ledger.settle();
    const attempts = await ledger.db.pool.query<{ event_id: string }>(
      `SELECT d.event_id FROM attempts a JOIN deliveries d ON d.id = a.delivery_id WHERE a.account_id = $1 ORDER BY a.id`,
      [accountId],
    );
    expect(attempts.rows.map(({ event_id }) => event_id)).toEqual(eventIds);
  });
});

describe('share', () => {
  it('defers a delivery beyond the share and lowers the capacity to what the worker can have in flight', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    ledger.results.push(async () => {
      await released;
      return {};
    });
    await publishMany(accountId, 12);
    const worker = ledger.attempter({ limiter: openConcurrencyLimiter({ slots: 4, slowAfterMs: 20 }) });
    const ends = ledger.jobs.splice(0).map((job) => worker.attempt(job, signal));
    await waitFor(async () => ((await deferred(accountId)) >= 6 ? true : null), { what: 'the others to be deferred' });
    const limit = (await subscriptionNow(id)).concurrencyLimit;
    expect(limit).toBeLessThanOrEqual(6);
    expect(await dispatch(ledger)).toMatchObject({ enqueued: 0 }); // no storm: no capacity yet
    release();
    const ended = await Promise.all(ends);
    expect(ended.filter(({ end }) => end === 'deferred').length).toBeGreaterThanOrEqual(6);
    expect(await ledger.db.prisma.attempt.count({ where: { accountId } })).toBe(
      ended.filter(({ end }) => end === 'attempted').length,
    );
    await ledger.settle();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(12);
  });

  it('the dispatcher enqueues the retries of a subscription with lowered capacity, so no job is without a slot', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.db.pool.query('UPDATE subscriptions SET concurrency_limit = 1 WHERE id = $1', [id]);
    ledger.results.push(FAILED);
    await publishMany(accountId, 2);
    const [first] = ledger.jobs.splice(0);
    if (first) await ledger.attempter().attempt(first, signal);
    expect(ledger.jobs).toEqual([]);
    ledger.results.splice(0);
    await ledger.settle();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(2);
  });

  it('restores the capacity of a quick endpoint, doubling it each second', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    const seen: number[] = [];
    await ledger.db.pool.query('UPDATE subscriptions SET concurrency_limit = 300 WHERE id = $1', [id]);
    for (let round = 0; round < 3; round += 1) {
      await ledger.db.pool.query(
        `UPDATE subscriptions SET concurrency_set_at = now() - interval '1 second' WHERE id = $1`,
        [id],
      );
      await ledger.publish(accountId);
      await ledger.settle();
      seen.push((await subscriptionNow(id)).concurrencyLimit);
    }
    expect(seen).toEqual([600, 1_000, 1_000]);
  });
});

describe('circuit breaker', () => {
  it('opens after ten failures in a row or three timeouts; a success in between resets the count', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    ledger.results.push(...Array.from({ length: 9 }, () => FAILED), {}, FAILED);
    const worker = ledger.attempter({ waitsMs: [3_000_000] });
    for (let count = 0; count < 19; count += 1) {
      await ledger.publish(accountId);
      await ledger.publisher.drain();
      const job = ledger.jobs.splice(0).find(({ queue }) => queue === 'deliver');
      if (job) await worker.attempt(job, signal);
      expect((await subscriptionNow(id)).circuitOpenUntil, `after ${count + 1}`).toBeNull();
    }
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    const job = ledger.jobs.find(({ queue }) => queue === 'deliver');
    if (job) await worker.attempt(job, signal);
    expect(await subscriptionNow(id)).toMatchObject({ failureStreak: 10, circuitOpenedCount: 1 });
    expect((await subscriptionNow(id)).circuitOpenUntil).not.toBeNull();
  });

  it('sends nothing while it is open, not even queued jobs, and uses up no attempts', async () => {
    const { accountId } = await openACircuit();
    await publishMany(accountId, 5);
    expect(ledger.jobs).toEqual([]); // they wait in the ledger
    expect(await dispatch(ledger)).toEqual({ enqueued: 0, isMoreDue: false });
    const before = await ledger.db.prisma.delivery.findMany({ where: { accountId } });
    const worker = ledger.attempter();
    for (const { id, attemptCount } of before)
      expect(await worker.attempt({ id, attemptNumber: attemptCount + 1 }, signal)).toMatchObject({
        end: expect.stringMatching(/deferred|early/),
      });
    await worker.drain();
    expect(ledger.posts).toEqual([]);
    expect(await ledger.db.prisma.delivery.aggregate({ where: { accountId }, _sum: { failureCount: true } })).toEqual({
      _sum: { failureCount: 3 },
    });
  });

  it('waiting deliveries do not wake the dispatcher, which could do nothing', async () => {
    const { accountId } = await openACircuit();
    let calls = 0;
    const listener = await listenForWork(ledger.db, () => void (calls += 1));
    await publishMany(accountId, 5);
    await pause(50);
    expect(calls).toBe(0);
    await wakeDispatchers(ledger.db.pool);
    await waitFor(() => (calls === 1 ? true : null), { what: 'a call that is one' });
    listener.close();
  });

  it('half-open: sends a single probe, the oldest delivery; if it fails, the circuit stays open twice as long', async () => {
    const { accountId, id } = await openACircuit();
    await publishMany(accountId, 5);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now(), leased_until = now() + interval '50 seconds' WHERE attempt_count = 1`,
    );
    const retried = await ledger.db.prisma.delivery.findMany({ where: { accountId, attemptCount: 1 } });
    const worker = ledger.attempter();
    for (const one of retried) await worker.attempt({ id: one.id, attemptNumber: 2 }, signal);
    await worker.drain();
    await letTimePass(id);
    expect(await dispatch(ledger)).toEqual({ enqueued: 1, isMoreDue: true });
    const [probe] = ledger.jobs.splice(0);
    expect(retried.map(({ id: retriedId }) => retriedId)).toContain(probe?.id);
    expect((await dispatch(ledger)).enqueued).toBe(0); // one probe at a time
    const from = Date.now();
    if (probe) expect(await ledger.attempter().attempt(probe, signal)).toMatchObject({ end: 'attempted' });
    const to = Date.now();
    const now = await subscriptionNow(id);
    expect(now).toMatchObject({ circuitOpenedCount: 2, probeId: null });
    const openUntil = now.circuitOpenUntil?.getTime() ?? 0; // 30 s ± a tenth after the attempt was recorded
    expect(openUntil).toBeGreaterThanOrEqual(from + 27_000);
    expect(openUntil).toBeLessThanOrEqual(to + 33_000);
  });

  it('regression: the probe is the oldest delivery, even if it became due last, so it reaches the end of its schedule while new ones arrive', async () => {
    const { accountId, id } = await openACircuit();
    const oldest = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId }, orderBy: { id: 'asc' } });
    await publishMany(accountId, 20);
    // Its long wait has ended; the deliveries published meanwhile have waited longer.
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now(), leased_until = NULL WHERE account_id = $1 AND attempt_count > 0`,
      [accountId],
    );
    await letTimePass(id);
    await dispatch(ledger);
    expect(ledger.jobs.map((job) => job.id)).toEqual([oldest.id]);
    // While it waits again, the next one is the probe.
    const [probe] = ledger.jobs.splice(0);
    if (probe) await ledger.attempter({ waitsMs: [0, 7_200_000, 0] }).attempt(probe, signal);
    await letTimePass(id);
    await dispatch(ledger);
    expect(ledger.jobs.map((job) => job.id > oldest.id)).toEqual([true]);
  });

  it('regression: disables the subscription of a dead endpoint, however much is published meanwhile', async () => {
    const { accountId, id } = await openACircuit();
    const worker = ledger.attempter({ waitsMs: [7_200_000, 7_200_000], failingAfterMs: 36_000_000 });
    for (let hour = 1; hour <= 24; hour += 1) {
      await publishMany(accountId, 20);
      await ledger.db.pool.query(
        `UPDATE pending_deliveries SET due_at = due_at - interval '1 hour', leased_until = leased_until - interval '1 hour' WHERE account_id = $1`,
        [accountId],
      );
      await ledger.db.pool.query(
        `UPDATE subscriptions SET circuit_open_until = circuit_open_until - interval '1 hour', failing_since = failing_since - interval '1 hour' WHERE id = $1`,
        [id],
      );
      await dispatch(ledger);
      for (const job of ledger.jobs.splice(0)) await worker.attempt(job, signal);
    }
    expect(await subscriptionNow(id)).toMatchObject({ status: 'disabled', statusReason: 'failing' });
  });

  it('closes when the probe succeeds; waiting deliveries go out slowly at first', async () => {
    const { accountId, id } = await openACircuit();
    await publishMany(accountId, 20);
    await letTimePass(id);
    ledger.results.splice(0);
    await dispatch(ledger);
    await ledger.work();
    expect(await subscriptionNow(id)).toMatchObject({
      circuitOpenUntil: null,
      circuitOpenedCount: 0,
      failureStreak: 0,
      concurrencyLimit: 8,
      failingSince: null,
    });
    await ledger.settle();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(23);
  });

  it('sends an attempt that a person requests; its success closes the circuit', async () => {
    const { accountId, id } = await openACircuit();
    const delivery = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    ledger.results.splice(0);
    await requestRetry(ledger, { accountId, id: delivery.id });
    await ledger.work();
    expect(ledger.posts).toHaveLength(1);
    expect((await subscriptionNow(id)).circuitOpenUntil).toBeNull();
  });

  it('sends another probe when the lease of a lost one ends', async () => {
    const { accountId, id } = await openACircuit();
    await publishMany(accountId, 1);
    await letTimePass(id);
    await dispatch(ledger);
    ledger.jobs.length = 0; // its worker has crashed, and the queue has lost the job
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET leased_until = now() WHERE id = (SELECT probe_id FROM subscriptions WHERE id = $1)`,
      [id],
    );
    expect((await dispatch(ledger)).enqueued).toBe(1);
  });

  it('closes on a resume', async () => {
    const { accountId, id } = await openACircuit();
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'paused' WHERE id = $1`, [id]);
    await resumeSubscription(ledger, { accountId, id });
    expect(await subscriptionNow(id)).toMatchObject({ circuitOpenUntil: null, failureStreak: 0 });
  });
});

describe('rate', () => {
  async function pacedSubscription(rateLimit: number) {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await ledger.db.prisma.subscription.update({ where: { id }, data: { rateLimit } });
    return { accountId, id };
  }

  it('gives each delivery its own turn, one interval after the last, and leases it once', async () => {
    const { accountId } = await pacedSubscription(20);
    await publishMany(accountId, 100);
    expect(ledger.jobs).toEqual([]);
    const from = Date.now();
    expect(await dispatch(ledger)).toEqual({ enqueued: 40, isMoreDue: true }); // two seconds ahead
    const { enqueued } = await dispatch(ledger);
    expect(enqueued).toBeLessThanOrEqual(((Date.now() - from) / 1_000) * 20 + 1); // the time that has passed since
    const slots = ledger.jobs.map(({ delayMs = 0 }) => delayMs).slice(0, 40);
    for (const [index, ms] of slots.toSorted((a, b) => a - b).entries()) expect(ms).toBeCloseTo(index * 50, -1.5);
    expect(await deferred(accountId)).toBe(60 - enqueued);
  });

  it('retries get turns, too, and wait in the ledger until they are due', async () => {
    const { accountId } = await pacedSubscription(10);
    ledger.results.push(FAILED);
    await ledger.publish(accountId);
    await dispatch(ledger);
    const [job] = ledger.jobs.splice(0);
    if (job) await ledger.attempter({ waitsMs: [5_000] }).attempt(job, signal);
    expect(ledger.jobs).toEqual([]);
    const delivery = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    expect(delivery).toMatchObject({ status: 'pending', attemptCount: 1, leasedUntil: null });
    expect(delivery.dueAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it('concurrent dispatchers give out each turn once', async () => {
    const { accountId } = await pacedSubscription(50);
    await publishMany(accountId, 300);
    await Promise.all(Array.from({ length: 5 }, () => dispatch(ledger)));
    const { rows } = await ledger.db.pool.query<{ ms: number }>(
      `SELECT (extract(epoch FROM leased_until - lag(leased_until) OVER (ORDER BY leased_until)) * 1000)::float8 AS ms FROM deliveries
       WHERE account_id = $1 AND leased_until > now() ORDER BY leased_until OFFSET 1`,
      [accountId],
    );
    expect(rows.length).toBeGreaterThanOrEqual(99);
    for (const { ms } of rows) expect(ms).toBeGreaterThanOrEqual(19);
  });
});

describe('operational events', () => {
  it('writes operational events in the statement that makes the change', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    const DAY = 86_400_000;
    const fail = async (sinceDays: number) => {
      await ledger.db.pool.query(
        `UPDATE subscriptions SET failing_since = now() - $2 * interval '1 day', circuit_open_until = NULL, failure_streak = 0 WHERE id = $1`,
        [id, sinceDays],
      );
      ledger.results.splice(0, 1, FAILED);
      await ledger.publish(accountId);
      await ledger.publisher.drain();
      const job = ledger.jobs.pop();
      if (job) await ledger.attempter({ waitsMs: [], failingAfterMs: 4 * DAY }).attempt(job, signal);
    };
    const operationalEvents = async () => {
      const rows = await ledger.db.prisma.operationalEvent.findMany({ where: { accountId }, orderBy: { id: 'asc' } });
      await ledger.db.prisma.operationalEvent.deleteMany({ where: { accountId } });
      return rows.map(({ type, detail }) => [type, detail]);
    };
    const failed = [
      'delivery:failed',
      { reason: 'exhausted', attemptCount: 1, outcome: 'http_error', statusCode: 500 },
    ];
    await fail(1);
    expect(await operationalEvents()).toEqual([failed]);
    await fail(2.1);
    expect(await operationalEvents()).toEqual(
      expect.arrayContaining([failed, ['subscription:failing', expect.objectContaining({ percent: 50 })]]),
    );
    await fail(2.2);
    expect(await operationalEvents()).toEqual([failed]); // only once
    await fail(3.1);
    expect(await operationalEvents()).toEqual(
      expect.arrayContaining([['subscription:failing', expect.objectContaining({ percent: 75 })]]),
    );
    ledger.results.splice(0);
    await ledger.publish(accountId);
    await ledger.settle();
    expect(await operationalEvents()).toEqual([['subscription:recovered', expect.anything()]]);
    await fail(4.1);
    expect(await operationalEvents()).toEqual(
      expect.arrayContaining([['subscription:disabled', expect.objectContaining({ reason: 'failing' })]]),
    );
    expect((await subscriptionNow(id)).status).toBe('disabled');
  });
});
