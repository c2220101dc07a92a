import { toTypeId } from '@posthorn/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { sendTest } from '../subscriptions/send-test.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { requestRetry } from '../deliver/request-retry.js';
import { catchUp } from './catch-up.js';
import { dispatch } from './dispatch.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(async () => {
  await ledger.publisher.drain();
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
  await ledger.db.pool.query('TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries, catch_ups');
});

const { signal } = new AbortController();
const HOURS = 3_600_000;
const query = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await ledger.db.pool.query<Row>(text, values)).rows;
const set = (table: 'pending_deliveries' | 'subscriptions', id: string, changes: string) =>
  query(`UPDATE ${table} SET ${changes} WHERE id = $1`, [id]);

interface Failing {
  accountId: string;
  id: string;
}

/** A subscription with deliveries that failed three times and are due in ten hours. Its circuit is half-open. */
async function failing(count: number): Promise<Failing> {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  for (let n = 0; n < count; n += 1) await ledger.publish(accountId);
  await ledger.publisher.drain();
  ledger.jobs.length = 0;
  await query(
    `UPDATE pending_deliveries SET attempt_count = 3, failure_count = 3, last_outcome = 'http_error', last_status_code = 500,
       last_trigger = 'auto', last_duration_ms = 3, last_attempt_at = now(), due_at = now() + interval '10 hours', leased_until = NULL
     WHERE subscription_id = $1`,
    [id],
  );
  await set(
    'subscriptions',
    id,
    `failing_since = now() - interval '3 hours', failure_streak = 12, circuit_opened_count = 3, circuit_open_until = now()`,
  );
  return { accountId, id };
}

/** Publishes an event and delivers it. */
async function recover({ accountId }: Failing): Promise<void> {
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  await ledger.settle();
}

const catchingUp = async () =>
  (await query<{ count: number }>('SELECT count(*)::int AS count FROM catch_ups'))[0]?.count;
const oldest = async (): Promise<string> =>
  (await query<{ id: string }>('SELECT id FROM pending_deliveries ORDER BY id LIMIT 1'))[0]?.id ?? '';
/** Moves the clock of catch-ups and capacities. */
const passSecond = () =>
  query(`WITH nearer AS (UPDATE catch_ups SET due_at = due_at - interval '1 second')
    UPDATE subscriptions SET concurrency_set_at = concurrency_set_at - interval '1 second'`);
async function step(): Promise<number> {
  await passSecond();
  const { count } = await catchUp(ledger.db.pool);
  return count;
}

describe('a subscription that recovers', () => {
  it('gets its scheduled deliveries at once, in steps that grow with its successes, each once', async () => {
    const subscription = await failing(60);
    await recover(subscription);
    expect(ledger.posts).toHaveLength(1);
    const counts: number[] = [];
    while ((await catchingUp()) === 1) {
      const { concurrencyLimit } = await ledger.db.prisma.subscription.findUniqueOrThrow({
        where: { id: subscription.id },
      });
      const count = await step();
      expect(count).toBeLessThanOrEqual(concurrencyLimit / 4);
      counts.push(count);
      await ledger.settle();
    }
    expect(counts[0]).toBe(2);
    expect(counts[1]).toBeGreaterThanOrEqual(4);
    expect(ledger.posts).toHaveLength(61);
    const delivered = await query(
      `SELECT DISTINCT status, attempt_count AS "attemptCount" FROM deliveries WHERE id IN (SELECT id FROM deliveries ORDER BY id LIMIT 60)`,
    );
    expect(delivered).toEqual([{ status: 'succeeded', attemptCount: 4 }]);
  });

  it('recovers by a test event, even if it has failed only for a moment', async () => {
    const subscription = await failing(1);
    await set(
      'subscriptions',
      subscription.id,
      'failing_since = now(), failure_streak = 1, circuit_opened_count = 0, circuit_open_until = NULL',
    );
    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    await sendTest(ledger, { ...subscription, frozen: frozen.frozen });
    await ledger.settle();
    expect(await step()).toBe(1);
  });

  it('recovers before its circuit has opened, if it has failed for a minute', async () => {
    for (const { since, count } of [
      { since: '61 seconds', count: 1 },
      { since: '1 second', count: 0 },
    ]) {
      const subscription = await failing(1);
      await set(
        'subscriptions',
        subscription.id,
        `failing_since = now() - interval '${since}', failure_streak = 3, circuit_opened_count = 0, circuit_open_until = NULL`,
      );
      await recover(subscription);
      expect(await step()).toBe(count);
    }
  });

  it('first gets what is due or leased', async () => {
    const subscription = await failing(3);
    await recover(subscription);
    await ledger.publish(subscription.accountId);
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    await query(`UPDATE pending_deliveries SET leased_until = NULL WHERE attempt_count = 0`);
    expect(await step(), 'one is due').toBe(0);
    await set('subscriptions', subscription.id, 'concurrency_limit = 4');
    await ledger.passSecond();
    await dispatch(ledger);
    expect(await step(), 'one is leased, which is a quarter of four').toBe(0);
    await ledger.settle();
    expect(await step()).toBeGreaterThan(0);
  });

  it('keeps the time of the outage', async () => {
    const subscription = await failing(1);
    await recover(subscription);
    const [outage] = await query(
      `SELECT round(extract(epoch FROM last_outage_until - last_outage_from) / 3600)::int AS hours, failing_since AS "failingSince"
       FROM subscriptions WHERE id = $1`,
      [subscription.id],
    );
    expect(outage).toEqual({ hours: 3, failingSince: null });
  });

  it('writes no row while it is healthy', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    ledger.results.push(FAILED, {});
    for (let n = 0; n < 5; n += 1) await ledger.publish(accountId);
    await ledger.publisher.drain();
    await ledger.settle();
    const [written] = await query<{ count: number }>(
      `SELECT count(*)::int AS count FROM deliveries WHERE status = 'succeeded'`,
    );
    expect(written?.count).toBe(5);
    expect(await catchingUp()).toBe(0);
  });
});

describe('an early attempt', () => {
  it('uses up no wait of the schedule when it fails', async () => {
    await recover(await failing(1));
    expect(await step()).toBe(1);
    ledger.results.splice(0, Infinity, FAILED);
    await ledger.passSecond();
    await dispatch(ledger);
    const waitsMs = [1, 1, 7 * HOURS, 9 * HOURS];
    for (const job of ledger.jobs.splice(0)) await ledger.attempter({ waitsMs }).attempt(job, signal);
    const [after] = await query<{ attempts: number; failures: number; hours: number }>(
      `SELECT attempt_count AS attempts, failure_count AS failures, extract(epoch FROM due_at - now())::float8 / 3600 AS hours
       FROM pending_deliveries`,
    );
    expect(after).toMatchObject({ attempts: 4, failures: 3 });
    expect(after?.hours).toBeCloseTo(7, 1);
  });

  it('replaces the delayed job of the scheduled one, which then does nothing', async () => {
    const subscription = await failing(1);
    const id = await oldest();
    const lease = `extract(epoch FROM leased_until) * 1000000`;
    await set(
      'pending_deliveries',
      id,
      `due_at = now() + interval '50 minutes', leased_until = now() + interval '51 minutes'`,
    );
    const [row] = await query<{ leasedUntil: number }>(
      `SELECT (${lease})::float8 AS "leasedUntil" FROM pending_deliveries WHERE id = $1`,
      [id],
    );
    const delayed = { id, attemptNumber: 4, leasedUntil: row?.leasedUntil ?? 0 };
    await recover(subscription);
    expect(await step()).toBe(1);
    await ledger.passSecond();
    await dispatch(ledger);
    const [early] = ledger.jobs.splice(0);
    expect(early).toMatchObject({ id, attemptNumber: 4 });
    ledger.posts.length = 0;
    const worker = ledger.attempter();
    expect(await worker.attempt(delayed, signal)).toMatchObject({ end: 'skipped', why: 'superseded' });
    if (early) expect(await worker.attempt(early, signal)).toMatchObject({ end: 'attempted' });
    expect(await worker.attempt(delayed, signal)).toMatchObject({ end: 'skipped' });
    expect(ledger.posts).toHaveLength(1);
  });

  it.each([
    { title: 'whose last response was 429', changes: 'last_status_code = 429' },
    { title: 'that is due within seconds anyway', changes: `due_at = now() + interval '4 seconds'` },
    { title: 'that has had 50 attempts', changes: 'attempt_count = 50' },
  ])('is not made of a delivery $title', async ({ changes }) => {
    const subscription = await failing(2);
    await set('pending_deliveries', await oldest(), changes);
    await recover(subscription);
    expect(await step()).toBe(1);
    expect(await catchingUp()).toBe(0);
  });

  it('is not made of a delivery for which a person has requested one', async () => {
    const subscription = await failing(1);
    await recover(subscription);
    await requestRetry(ledger, { accountId: subscription.accountId, id: await oldest() });
    expect(await step()).toBe(0);
  });
});

describe('a catch-up', () => {
  it('stops when attempts fail again, before they open the circuit', async () => {
    const subscription = await failing(50);
    await recover(subscription);
    ledger.results.splice(0, Infinity, FAILED);
    const counts: number[] = [];
    while ((await catchingUp()) === 1) {
      counts.push(await step());
      await ledger.passSecond();
      await dispatch(ledger);
      for (const job of ledger.jobs.splice(0))
        await ledger.attempter({ waitsMs: [9, 9, 9, 9].map((n) => n * HOURS) }).attempt(job, signal);
    }
    expect(counts).toEqual([2, 2, 2, 0]);
    const [circuit] = await query(
      `SELECT circuit_open_until AS until, failure_streak AS streak FROM subscriptions WHERE id = $1`,
      [subscription.id],
    );
    expect(circuit).toEqual({ until: null, streak: 6 });
  });

  it('ends when its subscription is paused', async () => {
    const subscription = await failing(3);
    await recover(subscription);
    await pauseSubscription(ledger, subscription);
    expect(await step()).toBe(0);
    expect(await catchingUp()).toBe(0);
  });

  it('starts over when the subscription recovers again', async () => {
    const subscription = await failing(6);
    await recover(subscription);
    expect(await step()).toBe(2);
    await query(`UPDATE pending_deliveries SET due_at = now() + interval '10 hours'`);
    await set(
      'subscriptions',
      subscription.id,
      `circuit_open_until = now(), failing_since = now() - interval '1 hour'`,
    );
    await recover(subscription);
    expect(await step()).toBe(2);
    const [{ id } = { id: '' }] = await query<{ id: string }>(
      `SELECT id FROM pending_deliveries WHERE due_at <= now() ORDER BY id LIMIT 1`,
    );
    expect(id, 'with the oldest').toBe(await oldest());
  });

  it('follows a strict order: the head becomes due first', async () => {
    const subscription = await failing(3);
    await set('subscriptions', subscription.id, `ordering = 'strict'`);
    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    await sendTest(ledger, { ...subscription, frozen: frozen.frozen });
    await ledger.settle();
    const published = await query<{ id: string }>(
      `SELECT event_id AS id FROM pending_deliveries ORDER BY created_at, event_id`,
    );
    ledger.posts.length = 0;
    while ((await catchingUp()) === 1) {
      expect(await step()).toBeLessThanOrEqual(1);
      await ledger.settle();
    }
    expect(ledger.posts.map(({ webhookId }) => webhookId)).toEqual(published.map(({ id }) => toTypeId('evt', id)));
  });

  it('is advanced by one of two workers at once', async () => {
    for (let n = 0; n < 5; n += 1) await recover(await failing(2));
    await passSecond();
    const both = await Promise.all([catchUp(ledger.db.pool), catchUp(ledger.db.pool)]);
    expect(both.reduce((sum, { count }) => sum + count, 0)).toBe(10);
  });

  it('reads at most 500 deliveries per step', async () => {
    const subscription = await failing(1);
    await query(
      `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at, last_status_code, attempt_count)
       SELECT posthorn_delivery_id(posthorn_uuidv7()), account_id, event_id, event_type, subscription_id, status, due_at, 429, 1
       FROM pending_deliveries, generate_series(1, 1999)`,
    );
    await recover(subscription);
    const looks: number[] = [];
    while ((await catchingUp()) === 1) {
      looks.push(await step());
      await ledger.settle();
    }
    expect(looks).toEqual([1, 0, 0, 0, 0]);
  });
});
