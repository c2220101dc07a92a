import { setTimeout as pause } from 'node:timers/promises';
import { toTypeId } from '@posthorn/contract';
import { parseSecret } from '@posthorn/sender';
import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Due } from '../deps.js';
import { dispatch } from '../dispatch/dispatch.js';
import {
  FAILED,
  GONE,
  type Ledger,
  interpose,
  isRecord,
  openLedger,
  somebodyWaits,
  openSingleConnection,
  settleAccount,
} from '../ledger.test-support.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { readSecrets, rotateSecret } from '../subscriptions/secrets.js';
import { sendTest } from '../subscriptions/send-test.js';
import { requestRetry } from './request-retry.js';
import { cancelDeliveries } from '../settle/cancel-deliveries.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { openConcurrencyLimiter } from '../throttle/concurrency-limiter.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const { signal } = new AbortController();
const onlyDelivery = (accountId: string) => ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
const attemptsOf = (deliveryId: string) =>
  ledger.db.prisma.attempt.findMany({ where: { deliveryId }, orderBy: { number: 'asc' } });

async function publishedDelivery() {
  const accountId = await ledger.account();
  const { id: subscriptionId } = await ledger.activeSubscription(accountId);
  const eventId = await ledger.publish(accountId);
  await ledger.publisher.drain();
  const { id } = await onlyDelivery(accountId);
  return { accountId, subscriptionId, eventId, id };
}

describe('deliver', () => {
  it('records a successful first attempt with its full response, and nothing stays pending', async () => {
    const { accountId, eventId, id } = await publishedDelivery();
    await ledger.work();
    expect(await onlyDelivery(accountId)).toMatchObject({
      status: 'succeeded',
      attemptCount: 1,
      failureCount: 0,
      dueAt: null,
      leasedUntil: null,
    });
    const [attempt, ...others] = await attemptsOf(id);
    expect(others).toEqual([]);
    expect(attempt).toMatchObject({
      number: 1,
      trigger: 'auto',
      outcome: 'ok',
      statusCode: 200,
      connectMs: 1,
      firstByteMs: 2,
    });
    expect(attempt?.responseBody && Buffer.from(attempt.responseBody).toString()).toBe('thanks');
    expect(ledger.posts).toHaveLength(1);
    expect(ledger.posts[0]?.webhookId).toBe(toTypeId('evt', eventId));
    expect(ledger.jobs).toEqual([]);
  });

  it('sends one webhook-id and the same bytes for 500, 500, 200, then succeeds', async () => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push(FAILED, FAILED, {});
    await ledger.work();
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', attemptCount: 3, failureCount: 2 });
    expect((await attemptsOf(id)).map(({ outcome }) => outcome)).toEqual(['http_error', 'http_error', 'ok']);
    expect(new Set(ledger.posts.map(({ webhookId }) => webhookId)).size).toBe(1);
    expect(new Set(ledger.posts.map(({ body }) => Buffer.from(body).toString())).size).toBe(1);
  });

  it('fails with a reason after the last attempt of the schedule, and makes no further one', async () => {
    const { accountId } = await publishedDelivery();
    ledger.results.push(FAILED);
    const worker = ledger.attempter({ waitsMs: [0] });
    const { id } = await onlyDelivery(accountId);
    await worker.attempt({ id, attemptNumber: 1 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'pending', failureCount: 1 });
    await worker.attempt({ id, attemptNumber: 2 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({
      status: 'failed',
      statusReason: 'exhausted',
      attemptCount: 2,
      dueAt: null,
      leasedUntil: null,
    });
  });

  it('uses the schedule and the timeout of the subscription instead of the default', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    const set = (changes: object) => changeSubscription(ledger, { accountId, id: subscriptionId, changes });
    await set({ retrySchedule: [0], timeoutMs: 700 });
    ledger.results.push(FAILED);
    const worker = ledger.attempter({ waitsMs: [60_000, 60_000], timeoutMs: 1_500 });
    await worker.attempt({ id, attemptNumber: 1 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'pending', failureCount: 1 });
    await worker.attempt({ id, attemptNumber: 2 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'failed', statusReason: 'exhausted' });
    await set({ retrySchedule: null, timeoutMs: null });
    await ledger.publish(accountId);
    const other = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId, status: 'pending' } });
    await worker.attempt({ id: other.id, attemptNumber: 1 }, signal);
    expect(ledger.posts.map(({ timeoutMs }) => timeoutMs)).toEqual([700, 700, 1_500]);
  });

  it('a schedule that became shorter than the waits already used ends a delivery with its next attempt', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(FAILED);
    const worker = ledger.attempter({ waitsMs: [0, 0, 0, 0] });
    for (const attemptNumber of [1, 2, 3]) await worker.attempt({ id, attemptNumber }, signal);
    await changeSubscription(ledger, { accountId, id: subscriptionId, changes: { retrySchedule: [5] } });
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'pending', failureCount: 3 });
    await worker.attempt({ id, attemptNumber: 4 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'failed', attemptCount: 4 });
  });

  it('skips a second job for the same attempt: no second POST', async () => {
    const { id } = await publishedDelivery();
    ledger.results.push(FAILED, {});
    const worker = ledger.attempter();
    const isSkipped = async (due: Due, why: string) =>
      expect(await worker.attempt(due, signal)).toEqual({ end: 'skipped', why });
    expect(await worker.attempt({ id, attemptNumber: 1 }, signal)).toMatchObject({ end: 'attempted' });
    await isSkipped({ id, attemptNumber: 1 }, 'superseded');
    await isSkipped({ id, attemptNumber: 3 }, 'superseded');
    expect(await worker.attempt({ id, attemptNumber: 2 }, signal)).toMatchObject({ end: 'attempted' });
    await isSkipped({ id, attemptNumber: 2 }, 'finished');
    await isSkipped({ id, attemptNumber: 3 }, 'finished');
    await isSkipped({ id: crypto.randomUUID(), attemptNumber: 1 }, 'finished');
    expect(ledger.posts).toHaveLength(2);
  });

  it('regression: a worker that was suspended loads the delivery again and does not repeat another worker’s attempt', async () => {
    const { id } = await publishedDelivery();
    const other = ledger.attempter();
    const limiter = openConcurrencyLimiter({ slots: 10 });
    const stopped = ledger.attempter({
      limiter: {
        async acquire(subscriptionId) {
          await other.attempt({ id, attemptNumber: 1 }, signal);
          await pause(2_100);
          return limiter.acquire(subscriptionId);
        },
        acquireNow: (subscriptionId) => limiter.acquireNow(subscriptionId),
        inFlight: (subscriptionId) => limiter.inFlight(subscriptionId),
        capacityOf: (subscriptionId) => limiter.capacityOf(subscriptionId),
      },
    });
    expect(await stopped.attempt({ id, attemptNumber: 1 }, signal)).toEqual({ end: 'skipped', why: 'finished' });
    expect(ledger.posts).toHaveLength(1);
  });

  it('regression: a worker that was suspended until it lost its job makes no POST, even if nothing is recorded yet', async () => {
    const { accountId, id } = await publishedDelivery();
    const limiter = openConcurrencyLimiter({ slots: 10 });
    const stopped = ledger.attempter({
      limiter: {
        async acquire(subscriptionId) {
          await pause(2_100);
          return limiter.acquire(subscriptionId);
        },
        acquireNow: (subscriptionId) => limiter.acquireNow(subscriptionId),
        inFlight: (subscriptionId) => limiter.inFlight(subscriptionId),
        capacityOf: (subscriptionId) => limiter.capacityOf(subscriptionId),
      },
    });
    const due = { id, attemptNumber: 1, isStillOurs: () => Promise.resolve(false) };
    expect(await stopped.attempt(due, signal)).toEqual({ end: 'skipped', why: 'superseded' });
    expect(ledger.posts).toHaveLength(0);
    const { subscriptionId } = await onlyDelivery(accountId);
    expect(limiter.inFlight(subscriptionId)).toBe(0);
  });

  it('two workers on the same attempt may both post, one is recorded and the other result changes nothing', async () => {
    const { accountId, id } = await publishedDelivery();
    let posted = 0;
    const both = new Promise<void>((resolve) => {
      ledger.results.push(async () => {
        posted += 1;
        if (posted === 2) resolve();
        await both;
        return posted === 2 ? {} : FAILED;
      });
    });
    const ends = await Promise.all(
      [ledger.attempter(), ledger.attempter()].map((worker) => worker.attempt({ id, attemptNumber: 1 }, signal)),
    );
    expect(ends.map(({ end }) => end).toSorted()).toEqual(['attempted', 'skipped']);
    expect(await attemptsOf(id)).toHaveLength(1);
    expect((await onlyDelivery(accountId)).attemptCount).toBe(1);
  });

  it('defers a job that arrives before its delivery is due: no attempt is early', async () => {
    const { id } = await publishedDelivery();
    ledger.results.push(FAILED);
    const worker = ledger.attempter({ waitsMs: [60_000] });
    await worker.attempt({ id, attemptNumber: 1 }, signal);
    const end = await worker.attempt({ id, attemptNumber: 2 }, signal);
    expect(end).toMatchObject({ end: 'early' });
    if (end.end === 'early') expect(end.inMs).toBeGreaterThan(55_000);
    expect(ledger.posts).toHaveLength(1);
  });

  it('queues a wait of up to an hour; a longer one stays in Postgres until it is due', async () => {
    const { id } = await publishedDelivery();
    ledger.results.push(FAILED);
    ledger.jobs.length = 0;
    await ledger.attempter({ waitsMs: [3_600_000] }).attempt({ id, attemptNumber: 1 }, signal);
    expect(ledger.jobs).toMatchObject([{ queue: 'retry', id, attemptNumber: 2 }]);
    const other = await publishedDelivery();
    ledger.jobs.length = 0;
    await ledger.attempter({ waitsMs: [3_700_000] }).attempt({ id: other.id, attemptNumber: 1 }, signal);
    expect(ledger.jobs).toEqual([]);
    const delivery = await onlyDelivery(other.accountId);
    expect(delivery).toMatchObject({ status: 'pending', dueAt: expect.any(Date), leasedUntil: null });
  });

  it('regression: queues a wait of exactly an hour (Retry-After: 3600) instead of leaving it to the lease', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: 10 }, () => ledger.publish(accountId)));
    await ledger.publisher.drain();
    ledger.results.push({ outcome: 'http_error', statusCode: 503, retryAfter: '3600' });
    const worker = ledger.attempter({ waitsMs: [5_000] });
    // One at a time: each has its own fraction of a millisecond.
    for (const job of ledger.jobs.splice(0)) await worker.attempt(job, signal);
    expect(ledger.jobs).toHaveLength(10);
  });

  it('records an attempt that our shutdown aborts, without using up an attempt of the schedule', async () => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push({ outcome: 'aborted', statusCode: null }, FAILED);
    const worker = ledger.attempter({ waitsMs: [60_000] });
    await worker.attempt({ id, attemptNumber: 1 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'pending', attemptCount: 1, failureCount: 0 });
    await worker.attempt({ id, attemptNumber: 2 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'pending', attemptCount: 2, failureCount: 1 });
  });

  it('records a timeout up to 5 % of the timeout later, at random; but at once for a manual attempt or a shutdown', async () => {
    const { id, accountId } = await publishedDelivery();
    ledger.results.push({ outcome: 'timeout', statusCode: null });
    const worker = ledger.attempter({ timeoutMs: 10_000, random: () => 0.5 });
    const secondsOf = async (work: () => Promise<unknown>) => {
      const from = performance.now();
      await work();
      return (performance.now() - from) / 1_000;
    };
    expect(await secondsOf(() => worker.attempt({ id, attemptNumber: 1 }, signal))).toBeGreaterThan(0.24);
    const attempter = ledger.attempter({ timeoutMs: 1_000_000, random: () => 1 });
    await requestRetry(ledger, { accountId, id });
    expect(await secondsOf(() => attempter.attempt({ id, attemptNumber: 2 }, signal))).toBeLessThan(20);
    expect(await secondsOf(() => attempter.attempt({ id, attemptNumber: 3 }, AbortSignal.abort()))).toBeLessThan(20);
    expect(await attemptsOf(id)).toHaveLength(3);
  });

  it('loads and records 100 deliveries in a few statements, each with its own result', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await Promise.all(Array.from({ length: 100 }, (_, n) => ledger.publish(accountId, { payload: `{"n":${n}}` })));
    const deliveries = await ledger.db.prisma.delivery.findMany({ where: { accountId } });
    const sizes = { load: [] as number[], record: [] as number[] };
    ledger.results.push(({ body }) => (JSON.parse(Buffer.from(body).toString()).payload.n % 2 === 0 ? {} : FAILED));
    const worker = ledger.attempter({
      waitsMs: [60_000],
      observe: { shared: (operation, size) => void sizes[operation].push(size) },
    });
    await Promise.all(deliveries.map(({ id }) => worker.attempt({ id, attemptNumber: 1 }, signal)));
    expect(sizes.load.length + sizes.record.length).toBeLessThan(20);
    const after = await ledger.db.prisma.delivery.groupBy({ by: ['status'], where: { accountId }, _count: true });
    expect(Object.fromEntries(after.map(({ status, _count }) => [status, _count]))).toEqual({
      pending: 50,
      succeeded: 50,
    });
  });
});

describe('a worker that crashes, and a queue that accepts nothing', () => {
  const CRASH = new Error('the process ended here');
  const crashes = () => Promise.reject(CRASH);
  /** A worker that crashes between its POST and the record. */
  const dying = () =>
    ledger.attempter({
      db: interpose(ledger.db, (statement, run) => (isRecord(statement) ? crashes() : run())),
    });
  /** Makes all pending deliveries due and ends their leases. */
  const leasesRunOut = (accountId: string) =>
    ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = least(due_at, now()), leased_until = now()
       WHERE account_id = $1 AND (due_at IS NOT NULL OR leased_until IS NOT NULL)`,
      [accountId],
    );

  it('repeats an attempt after each of three crashes, twice; nothing is overdue', async () => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push(FAILED, FAILED, FAILED, FAILED, {});
    for (const attemptNumber of [1, 2]) {
      for (let death = 1; death <= 3; death += 1) {
        const [job] = ledger.jobs.splice(0);
        expect(job).toMatchObject({ id, attemptNumber });
        await expect(dying().attempt({ id, attemptNumber }, signal)).rejects.toBe(CRASH);
        await leasesRunOut(accountId);
        await dispatch(ledger);
      }
      ledger.jobs.length = 0;
      await ledger.attempter().attempt({ id, attemptNumber }, signal);
    }
    expect(ledger.posts).toHaveLength(8);
    expect(new Set(ledger.posts.map(({ webhookId }) => webhookId)).size).toBe(1);
    expect((await attemptsOf(id)).map(({ number, statusCode }) => [number, statusCode])).toEqual([
      [1, 500],
      [2, 200],
    ]);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', leasedUntil: null });
  });

  it.each([
    ['the queue does not accept it', () => Promise.resolve(false)],
    ['its worker crashes right after the commit', crashes],
  ])('makes a retry at the time in the ledger, even if %s', async (_, enqueue) => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push(FAILED, {});
    const [job] = ledger.jobs.splice(0);
    const worker = ledger.attempter({ enqueue, waitsMs: [60_000] });
    await worker.attempt(job ?? { id, attemptNumber: 1 }, signal).catch((error: unknown) => expect(error).toBe(CRASH));
    expect(ledger.jobs).toEqual([]);
    const { status, attemptCount, dueAt } = await onlyDelivery(accountId);
    expect([status, attemptCount]).toEqual(['pending', 1]);
    expect(dueAt?.getTime()).toBeGreaterThan(Date.now() + 30_000);
    await ledger.settle();
    expect(ledger.posts).toHaveLength(1); // not before its time
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = due_at - interval '2 minutes', leased_until = leased_until - interval '2 minutes' WHERE id = $1`,
      [id],
    );
    await ledger.settle();
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', attemptCount: 2 });
  });

  it('repeats three deliveries of ten after a crash, and not the other seven', async () => {
    const accountId = await ledger.account();
    for (let n = 0; n < 10; n += 1) await ledger.activeSubscription(accountId, { url: `https://${n}.example.com/` });
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    const jobs = ledger.jobs.splice(0);
    const worker = ledger.attempter();
    for (const job of jobs.slice(0, 7)) await worker.attempt(job, signal);
    const ended = await Promise.allSettled(jobs.slice(7).map((job) => dying().attempt(job, signal)));
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const again = ledger.posts.slice(7).map(({ url }) => url);
    await leasesRunOut(accountId);
    await ledger.settle();
    expect(ledger.posts).toHaveLength(13);
    expect(
      ledger.posts
        .slice(10)
        .map(({ url }) => url)
        .toSorted(),
    ).toEqual(again.toSorted());
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded', attemptCount: 1 } })).toBe(
      10,
    );
  });

  it('opens no transaction and holds no connection while 20 endpoints hang', async () => {
    const accountId = await ledger.account();
    for (let count = 0; count < 20; count += 1) await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    ledger.results.push(() => released.then(() => ({})));
    const worker = ledger.attempter();
    const attempting = ledger.jobs.splice(0).map((job) => worker.attempt(job, signal));
    await waitFor(() => ledger.posts.length === 20);
    const { pool } = ledger.db;
    expect({ idle: pool.idleCount, waiting: pool.waitingCount }).toEqual({ idle: pool.totalCount, waiting: 0 });
    const { rows } = await pool.query(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
         AND backend_type = 'client backend'`,
    );
    expect(rows).toEqual([]);
    release();
    expect((await Promise.all(attempting)).every(({ end }) => end === 'attempted')).toBe(true);
  });
});

describe('two jobs for one attempt', () => {
  it('make one POST: the job of an earlier lease does nothing, whichever runs first', async () => {
    for (const isEarlierFirst of [true, false]) {
      const { accountId, id } = await publishedDelivery();
      ledger.posts.length = 0;
      const [earlier] = ledger.jobs.splice(0);
      // For example a pause and a resume: it is not leased, and the dispatcher leases it again.
      await ledger.db.pool.query('UPDATE pending_deliveries SET leased_until = NULL WHERE account_id = $1', [
        accountId,
      ]);
      await dispatch(ledger);
      const later = ledger.jobs.splice(0).find((job) => job.id === id);
      expect(later?.leasedUntil).toBeGreaterThan(earlier?.leasedUntil ?? Number.POSITIVE_INFINITY);
      const jobs = [earlier, later] as [Due, Due];
      const workers = jobs.map((job) => ({ job, worker: ledger.attempter() }));
      const ends = await Promise.all(
        (isEarlierFirst ? workers : workers.toReversed()).map(({ job, worker }) => worker.attempt(job, signal)),
      );
      expect(ends.map(({ end }) => end).toSorted()).toEqual(['attempted', 'skipped']);
      expect(ledger.posts).toHaveLength(1);
    }
  });
});

describe('a database in trouble', () => {
  it.each(['53100', '25006', '57014'])(
    'regression: keeps a result that the database refuses with %s and records it later: one POST, one attempt',
    async (code) => {
      const { accountId, id } = await publishedDelivery();
      let refusals = 2;
      const db = interpose(ledger.db, (statement, run) =>
        isRecord(statement) && refusals-- > 0 ? Promise.reject(Object.assign(new Error('no'), { code })) : run(),
      );
      expect(await ledger.attempter({ db }).attempt({ id, attemptNumber: 1 }, signal)).toMatchObject({
        end: 'attempted',
      });
      expect(ledger.posts).toHaveLength(1);
      expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', attemptCount: 1 });
    },
  );
});

describe('410', () => {
  it('fails the delivery, disables the subscription, cancels its other pending deliveries and touches no other subscription', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    const neighbour = await ledger.activeSubscription(accountId, { url: 'https://other.example.com/' });
    await ledger.publish(accountId);
    ledger.results.push(GONE);
    await ledger.attempter().attempt({ id, attemptNumber: 1 }, signal);
    const of = async (subscription: string) =>
      (
        await ledger.db.prisma.delivery.findMany({
          where: { subscriptionId: subscription },
          orderBy: { createdAt: 'asc' },
        })
      ).map(({ status, statusReason }) => [status, statusReason]);
    expect(await of(subscriptionId)).toEqual([
      ['failed', 'gone'],
      ['canceled', 'subscription_disabled'],
    ]);
    expect(await of(neighbour.id)).toEqual([['pending', null]]);
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'disabled',
      statusReason: 'gone',
    });
  });

  it('regression: does not disable a subscription whose URL was replaced meanwhile; the delivery goes to the new URL', async () => {
    const { accountId, subscriptionId } = await publishedDelivery();
    const url = 'https://moved.example.com/';
    ledger.results.push(async () => {
      await ledger.db.pool.query('UPDATE subscriptions SET url = $2 WHERE id = $1', [subscriptionId, url]);
      return GONE;
    }, {});
    await ledger.work();
    expect(ledger.posts.map((post) => post.url)).toEqual(['https://hooks.example.com/webhook', url]);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', attemptCount: 2, failureCount: 0 });
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'active',
    });
  });

  it('a success still in flight completes its delivery and does not enable the subscription', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(async () => {
      await disableSubscription(ledger, { accountId, id: subscriptionId });
      return {};
    });
    await ledger.attempter().attempt({ id, attemptNumber: 1 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded' });
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'disabled',
      statusReason: 'manual',
    });
  });
});

describe('webhook-delivery: disable', () => {
  const delivered = { statusCode: 200, responseHeaders: { 'webhook-delivery': 'disable' } };

  it('if honored, in a 2xx: the delivery succeeds, its subscription is disabled (gone) and its other deliveries are canceled', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.results.push(delivered);
    const end = await ledger.attempter({ honorDisableHeader: true }).attempt({ id, attemptNumber: 1 }, signal);
    expect(end).toMatchObject({ end: 'attempted', report: { outcome: 'ok', deliveryStatus: 'succeeded' } });
    await ledger.work();
    expect(ledger.posts).toHaveLength(1);
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'disabled',
      statusReason: 'gone',
    });
    const both = await ledger.db.prisma.delivery.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } });
    expect(both).toMatchObject([
      { id, status: 'succeeded' },
      { status: 'canceled', statusReason: 'subscription_disabled' },
    ]);
    const operationalEvents = await ledger.db.prisma.operationalEvent.findMany({ where: { subscriptionId } });
    expect(operationalEvents).toMatchObject([{ type: 'subscription:disabled', detail: { reason: 'gone' } }]);
  });

  it('if not honored: a 2xx is a success', async () => {
    const { accountId, subscriptionId } = await publishedDelivery();
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.results.push(delivered);
    await ledger.work();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(2);
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'active',
      statusReason: null,
    });
  });

  it('does not disable a subscription whose URL was replaced meanwhile', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(async () => {
      await ledger.db.pool.query(`UPDATE subscriptions SET url = 'https://new.example.com/' WHERE id = $1`, [
        subscriptionId,
      ]);
      return delivered;
    });
    await ledger.attempter({ honorDisableHeader: true }).attempt({ id, attemptNumber: 1 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded' });
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'active',
    });
  });
});

describe('failing', () => {
  it('disables after an exhausted delivery only if nothing succeeded for the configured time', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(FAILED);
    const worker = ledger.attempter({ waitsMs: [], failingAfterMs: 3_600_000 });
    await worker.attempt({ id, attemptNumber: 1 }, signal);
    const subscription = () => ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
    expect(await subscription()).toMatchObject({ status: 'active' });
    expect((await subscription()).failingSince).not.toBeNull();

    await ledger.db.pool.query(`UPDATE subscriptions SET failing_since = now() - interval '2 hours' WHERE id = $1`, [
      subscriptionId,
    ]);
    await ledger.publish(accountId);
    const next = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId, status: 'pending' } });
    await worker.attempt({ id: next.id, attemptNumber: 1 }, signal);
    expect(await subscription()).toMatchObject({ status: 'disabled', statusReason: 'failing' });
  });

  it('a success resets the failing time', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(FAILED, {});
    await ledger.attempter({ waitsMs: [] }).attempt({ id, attemptNumber: 1 }, signal);
    await ledger.publish(accountId);
    const next = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId, status: 'pending' } });
    await ledger.attempter().attempt({ id: next.id, attemptNumber: 1 }, signal);
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toMatchObject({
      status: 'active',
      failingSince: null,
    });
  });
});

describe('pause', () => {
  it('holds pending deliveries and loses none: 100 events published while paused arrive after the resume', async () => {
    const { accountId, subscriptionId } = await publishedDelivery();
    await pauseSubscription(ledger, { accountId, id: subscriptionId });
    await Promise.all(Array.from({ length: 100 }, () => ledger.publish(accountId)));
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'held' } })).toBe(101);
    await ledger.work();
    expect(ledger.posts).toHaveLength(0);
    await resumeSubscription(ledger, { accountId, id: subscriptionId });
    await ledger.settle();
    expect(ledger.posts).toHaveLength(101);
    expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'succeeded' } })).toBe(101);
  });

  it('a job that finds the subscription paused holds its delivery and posts nothing', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'paused' WHERE id = $1`, [subscriptionId]);
    expect(await ledger.attempter().attempt({ id, attemptNumber: 1 }, signal)).toEqual({
      end: 'skipped',
      why: 'not_active',
    });
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'held' });
  });

  it('a failure in flight during a pause stays held and uses up its attempt', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(async () => {
      await pauseSubscription(ledger, { accountId, id: subscriptionId });
      return FAILED;
    });
    await ledger.attempter().attempt({ id, attemptNumber: 1 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'held', attemptCount: 1, failureCount: 1 });
  });

  it('regression: a job that found a pause or a disabling that has ended meanwhile holds and cancels nothing', async () => {
    for (const status of ['paused', 'disabled']) {
      const { accountId, subscriptionId, id } = await publishedDelivery();
      const set = (to: string) =>
        ledger.db.pool.query('UPDATE subscriptions SET status = $2 WHERE id = $1', [subscriptionId, to]);
      await set(status);
      const db = interpose(ledger.db, async (statement, run) => {
        const result = await run();
        if (statement === 'load-deliveries') {
          await set('active');
          await ledger.publish(accountId);
        }
        return result;
      });
      await ledger.attempter({ db }).attempt({ id, attemptNumber: 1 }, signal);
      expect(await ledger.db.prisma.delivery.count({ where: { accountId, status: 'pending' } })).toBe(2);
    }
  });

  it('regression: records a result that is recorded during the pause, whichever transaction waits', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(FAILED);
    const client = await ledger.db.pool.connect();
    await client.query('BEGIN');
    // One transaction holds the subscription and waits for the delivery; the record does the opposite.
    await client.query('SELECT FROM subscriptions WHERE id = $1 FOR UPDATE', [subscriptionId]);
    const attempt = ledger.attempter({ waitsMs: [60_000] }).attempt({ id, attemptNumber: 1 }, signal);
    await somebodyWaits(ledger.db.pool);
    // Postgres ends one of the two, whichever it looks at first.
    const end = await client.query('SELECT FROM pending_deliveries WHERE id = $1 FOR UPDATE', [id]).then(
      () => 'COMMIT',
      () => 'ROLLBACK',
    );
    await client.query(end);
    client.release();
    expect(await attempt).toMatchObject({ end: 'attempted' });
    expect(await onlyDelivery(accountId)).toMatchObject({ attemptCount: 1, failureCount: 1 });
  });

  it('a worker releases a delivery that was published as held during the resume', async () => {
    const { accountId, subscriptionId } = await publishedDelivery();
    await pauseSubscription(ledger, { accountId, id: subscriptionId });
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'active' WHERE id = $1`, [subscriptionId]);
    await settleAccount(ledger.db.pool, accountId);
    await ledger.settle();
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded' });
  });
});

describe('a result that waits for a delivery that moves to the other table', () => {
  it.each([
    ['success', 'succeeded', {}, { status: 'succeeded', statusReason: null }],
    ['failure', 'canceled', FAILED, { status: 'canceled', statusReason: 'subscription_disabled' }],
  ])(
    'a %s is recorded when the delivery is canceled meanwhile, and the delivery is %s',
    async (_, status, result, end) => {
      const { accountId, subscriptionId, id } = await publishedDelivery();
      const canceling = openSingleConnection(ledger.db);
      onTestFinished(() => canceling.end());
      ledger.results.push(async () => {
        await ledger.db.pool.query(`UPDATE subscriptions SET status = 'disabled' WHERE id = $1`, [subscriptionId]);
        await canceling.query('BEGIN');
        await cancelDeliveries(canceling, { subscriptionId });
        return result;
      });
      const attempt = ledger.attempter().attempt({ id, attemptNumber: 1 }, signal);
      await somebodyWaits(ledger.db.pool);
      await canceling.query('COMMIT');
      expect(await attempt).toMatchObject({ end: 'attempted', report: { deliveryStatus: status } });
      expect(await attemptsOf(id)).toHaveLength(1);
      expect(await ledger.db.prisma.delivery.findMany({ where: { accountId } })).toMatchObject([
        { id, ...end, attemptCount: 1, leasedUntil: null },
      ]);
    },
  );

  it('is recorded when a retry of the canceled delivery is requested meanwhile: a success fulfils the request', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    const pool = openSingleConnection(ledger.db);
    onTestFinished(() => pool.end());
    ledger.results.push(async () => {
      await disableSubscription(ledger, { accountId, id: subscriptionId });
      await pool.query('BEGIN');
      await requestRetry({ ...ledger, db: { ...ledger.db, pool } }, { accountId, id });
      return {};
    });
    const attempt = ledger.attempter().attempt({ id, attemptNumber: 1 }, signal);
    await somebodyWaits(ledger.db.pool);
    await pool.query('COMMIT');
    expect(await attempt).toMatchObject({ end: 'attempted', report: { deliveryStatus: 'succeeded' } });
    await ledger.work();
    expect(ledger.posts).toHaveLength(1);
    expect(await ledger.db.prisma.delivery.findMany({ where: { accountId } })).toMatchObject([
      { id, status: 'succeeded', attemptCount: 1, requestedTrigger: null, leasedUntil: null },
    ]);
  });
});

describe('delete and disable', () => {
  it('cancel pending and held deliveries and keep the history', async () => {
    const { accountId, subscriptionId } = await publishedDelivery();
    await deleteSubscription(ledger, { accountId, id: subscriptionId });
    expect(await onlyDelivery(accountId)).toMatchObject({
      status: 'canceled',
      statusReason: 'subscription_deleted',
      leasedUntil: null,
    });
    expect(await ledger.db.prisma.secret.count({ where: { subscriptionId } })).toBe(0);
    expect(await deleteSubscription(ledger, { accountId, id: subscriptionId })).toEqual({ outcome: 'not_found' });
  });

  it('every operation returns not_found for another account’s subscription and changes nothing', async () => {
    const { subscriptionId } = await publishedDelivery();
    const key = { accountId: await ledger.account(), id: subscriptionId };
    const before = await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } });
    for (const verb of [pauseSubscription, resumeSubscription, disableSubscription, deleteSubscription]) {
      expect(await verb(ledger, key)).toEqual({ outcome: 'not_found' });
    }
    expect(await changeSubscription(ledger, { ...key, changes: { url: 'https://thief.example' } })).toEqual({
      outcome: 'not_found',
    });
    expect(await readSecrets(ledger, key)).toBeNull();
    expect(await rotateSecret(ledger, { ...key, overlapSeconds: 0 })).toBeNull();
    expect(await ledger.db.prisma.subscription.findUnique({ where: { id: subscriptionId } })).toEqual(before);
  });
});

describe('requested retry', () => {
  it('makes one attempt of a failed delivery: it stays failed on failure and succeeds on success', async () => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push(FAILED);
    await ledger.attempter({ waitsMs: [] }).attempt({ id, attemptNumber: 1 }, signal);
    ledger.jobs.length = 0;
    expect(await requestRetry(ledger, { accountId, id })).toMatchObject({
      outcome: 'requested',
      delivery: { status: 'failed' },
    });
    await ledger.work();
    expect(await onlyDelivery(accountId)).toMatchObject({
      status: 'failed',
      attemptCount: 2,
      leasedUntil: null,
      requestedTrigger: null,
    });
    ledger.results.splice(0, 1, {});
    await requestRetry(ledger, { accountId, id });
    await ledger.work();
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', attemptCount: 3 });
    expect((await attemptsOf(id)).map(({ trigger }) => trigger)).toEqual(['auto', 'manual', 'manual']);
  });

  it('keeps the schedule of a pending delivery when the attempt fails', async () => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push(FAILED);
    await ledger.attempter({ waitsMs: [600_000] }).attempt({ id, attemptNumber: 1 }, signal);
    const before = await onlyDelivery(accountId);
    ledger.jobs.length = 0;
    await requestRetry(ledger, { accountId, id });
    await ledger.work();
    const after = await onlyDelivery(accountId);
    expect(after).toMatchObject({ status: 'pending', attemptCount: 2, failureCount: 1, dueAt: before.dueAt });
    expect(ledger.jobs).toMatchObject([{ queue: 'retry', id, attemptNumber: 3 }]);
  });

  it('regression: repeats an attempt that our shutdown aborted', async () => {
    const { accountId, id } = await publishedDelivery();
    ledger.results.push(FAILED, { outcome: 'aborted', statusCode: null }, {});
    await ledger.attempter({ waitsMs: [] }).attempt({ id, attemptNumber: 1 }, signal);
    await requestRetry(ledger, { accountId, id });
    await ledger.work();
    expect(await onlyDelivery(accountId)).toMatchObject({
      status: 'failed',
      attemptCount: 2,
      requestedTrigger: 'manual',
    });
    await ledger.db.pool.query(`UPDATE pending_deliveries SET leased_until = now() WHERE id = $1`, [id]);
    await dispatch(ledger);
    await ledger.work();
    expect(await onlyDelivery(accountId)).toMatchObject({ status: 'succeeded', attemptCount: 3, leasedUntil: null });
  });

  it('regression: drops the attempt if the subscription is deleted first, instead of enqueueing it forever', async () => {
    const { accountId, subscriptionId, id } = await publishedDelivery();
    ledger.results.push(FAILED);
    const worker = ledger.attempter({ waitsMs: [] });
    await worker.attempt({ id, attemptNumber: 1 }, signal);
    await requestRetry(ledger, { accountId, id });
    await ledger.db.pool.query('UPDATE subscriptions SET deleted_at = now() WHERE id = $1', [subscriptionId]);
    await worker.attempt({ id, attemptNumber: 2 }, signal);
    expect(await onlyDelivery(accountId)).toMatchObject({
      status: 'failed',
      statusReason: 'exhausted',
      requestedTrigger: null,
      leasedUntil: null,
    });
  });

  it('makes the attempt even if the queue lost it', async () => {
    const { accountId, id } = await publishedDelivery();
    await ledger.work();
    ledger.setQueue(false);
    await requestRetry(ledger, { accountId, id });
    ledger.setQueue(true);
    await ledger.db.pool.query(`UPDATE pending_deliveries SET leased_until = now() WHERE id = $1`, [id]);
    await dispatch(ledger);
    await ledger.work();
    expect((await attemptsOf(id)).map(({ trigger }) => trigger)).toEqual(['auto', 'manual']);
  });

  it('does not find another account’s delivery', async () => {
    const { id } = await publishedDelivery();
    expect(await requestRetry(ledger, { accountId: await ledger.account(), id })).toEqual({ outcome: 'not_found' });
  });
});

describe('test event', () => {
  const frozen = () => {
    const result = freezeEvent(Buffer.from('{"event":"message:created","payload":{"test":true}}'));
    if (!result.ok) throw new Error(result.message);
    return result.frozen;
  };

  it('goes to this subscription only, marked as a test, whatever event types it subscribes to', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId, { events: ['conversation:created'] });
    await ledger.activeSubscription(accountId);
    expect(await sendTest(ledger, { accountId, id, frozen: frozen() })).toMatchObject({ outcome: 'sent' });
    await ledger.work();
    const delivery = await onlyDelivery(accountId);
    expect(delivery).toMatchObject({ subscriptionId: id, status: 'succeeded' });
    expect(await attemptsOf(delivery.id)).toMatchObject([{ trigger: 'test' }]);
  });

  it('reaches a paused and a disabled subscription once, without retries', async () => {
    for (const [verb, status] of [
      [pauseSubscription, 'held'],
      [disableSubscription, 'canceled'],
    ] as const) {
      const accountId = await ledger.account();
      const { id } = await ledger.activeSubscription(accountId);
      await verb(ledger, { accountId, id });
      ledger.results.splice(0, 1, FAILED);
      await sendTest(ledger, { accountId, id, frozen: frozen() });
      await ledger.work();
      expect(await onlyDelivery(accountId)).toMatchObject({ status, attemptCount: 1, leasedUntil: null });
    }
  });
});

describe('secrets', () => {
  it('signs with both secrets from the next attempt on, and only with the new one after the overlap', async () => {
    const { accountId, subscriptionId } = await publishedDelivery();
    const first = await readSecrets(ledger, { accountId, id: subscriptionId });
    const rotated = await rotateSecret(ledger, { accountId, id: subscriptionId, overlapSeconds: 3_600 });
    expect(rotated?.previous).toMatchObject([{ secret: first?.secret }]);
    expect(parseSecret(rotated?.secret ?? '')).toHaveLength(32);
    await ledger.work();
    expect(ledger.posts[0]?.secrets).toEqual([rotated?.secret, first?.secret]);
    await ledger.db.pool.query(
      `UPDATE secrets SET expires_at = now() WHERE subscription_id = $1 AND expires_at IS NOT NULL`,
      [subscriptionId],
    );
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    await ledger.work();
    expect(ledger.posts[1]?.secrets).toEqual([rotated?.secret]);
  });

  it('without overlap, the old secret ends at once; concurrent rotations leave one current secret', async () => {
    const { accountId, subscriptionId: id } = await publishedDelivery();
    expect((await rotateSecret(ledger, { accountId, id, overlapSeconds: 0 }))?.previous).toEqual([]);
    await Promise.all([1, 2, 3].map(() => rotateSecret(ledger, { accountId, id, overlapSeconds: 60 })));
    expect((await readSecrets(ledger, { accountId, id }))?.previous).toHaveLength(3);
  });

  it('stores no secret and no custom header in clear text', async () => {
    const { accountId, subscriptionId: id } = await publishedDelivery();
    await changeSubscription(ledger, { accountId, id, changes: { headers: { authorization: 'Bearer hunter2' } } });
    const { secret } = (await readSecrets(ledger, { accountId, id })) ?? { secret: '' };
    const { rows } = await ledger.db.pool.query<{ dump: string }>(
      `SELECT (SELECT string_agg(s::text, '') FROM subscriptions s) || (SELECT string_agg(k::text, '') FROM secrets k) AS dump`,
    );
    const raw = rows[0]?.dump ?? '';
    for (const clear of ['hunter2', secret.slice(6)]) {
      expect(raw).not.toContain(clear);
      expect(raw).not.toContain(Buffer.from(clear).toString('hex'));
    }
    await ledger.work();
    expect(ledger.posts[0]?.headers).toEqual({ authorization: 'Bearer hunter2' });
  });

  it.each([
    [
      'secret',
      'UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE subscription_id = $1) WHERE subscription_id = $2',
    ],
    [
      'secret’s row',
      `UPDATE secrets SET subscription_id = $2, expires_at = now() + interval '1 hour' WHERE subscription_id = $1`,
    ],
    [
      'header',
      'UPDATE subscriptions s SET headers_sealed = f.headers_sealed, headers_origin = f.headers_origin FROM subscriptions f WHERE f.id = $1 AND s.id = $2',
    ],
  ])(
    'does not decrypt a sealed %s that was moved to another subscription, and sends nothing with it',
    async (_, move) => {
      const { accountId, subscriptionId: from } = await publishedDelivery();
      await changeSubscription(ledger, {
        accountId,
        id: from,
        changes: { headers: { authorization: 'Bearer hunter2' } },
      });
      ledger.jobs.length = 0;
      const { subscriptionId: to } = await publishedDelivery();
      await ledger.db.pool.query(move, [from, to]);
      const limiter = openConcurrencyLimiter({ slots: 10 });
      const [due] = ledger.jobs as [(typeof ledger.jobs)[number]];
      const attempt = ledger.attempter({ limiter }).attempt(due, new AbortController().signal);
      await expect(attempt).rejects.toThrow(/authenticate/);
      expect(ledger.posts).toEqual([]);
      expect(limiter.inFlight(to)).toBe(0); // regression: the slot was never released
    },
  );
});
