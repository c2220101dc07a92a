import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dispatch } from '../dispatch/dispatch.js';
import { listenForWork } from '../dispatch/wake.js';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { COLUMNS } from '../delivery-tables.js';

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
const set = (table: 'pending_deliveries' | 'subscriptions', id: string, changes: string) =>
  ledger.db.pool.query(`UPDATE ${table} SET ${changes} WHERE id = $1`, [id]);
const cancel = (id: string) =>
  ledger.db.pool.query(
    `WITH leaving AS (DELETE FROM pending_deliveries WHERE id = $1 RETURNING ${COLUMNS})
     INSERT INTO finished_deliveries (${COLUMNS})
     SELECT id, account_id, event_id, event_type, subscription_id, 'canceled', 'subscription_disabled', attempt_count, failure_count,
       created_at, now(), replay_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at FROM leaving`,
    [id],
  );
async function publish(accountId: string, count = 1): Promise<string[]> {
  const before = new Set(await deliveryIds(accountId));
  for (let n = 0; n < count; n += 1) await ledger.publish(accountId);
  await ledger.publisher.drain();
  return (await deliveryIds(accountId)).filter((id) => !before.has(id));
}
/** In the order of probes, which is random for events of the same millisecond. */
async function deliveryIds(accountId: string): Promise<string[]> {
  const deliveries = await ledger.db.prisma.delivery.findMany({ where: { accountId }, orderBy: { id: 'asc' } });
  return deliveries.map(({ id }) => id);
}
const dispatchJobs = async () => {
  await dispatch(ledger);
  return ledger.jobs.splice(0);
};
const dispatchedIds = async () => (await dispatchJobs()).map(({ id }) => id);

/** Three deliveries that timed out, each with a retry in `retryInMs`, and a circuit whose open time has ended. */
async function halfOpen({ retryInMs }: { retryInMs: number }) {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  ledger.results.splice(0, 1, { outcome: 'timeout', statusCode: null });
  await publish(accountId, 3);
  const worker = ledger.attempter({ waitsMs: [retryInMs, retryInMs] });
  for (const job of ledger.jobs.splice(0)) await worker.attempt(job, signal);
  ledger.jobs.length = 0; // the retries are delayed in the queue
  await set('subscriptions', id, 'circuit_open_until = now()');
  return { accountId, id, worker };
}

describe('a half-open circuit with a due delivery is probed in the next round of the dispatcher', () => {
  for (const retryInMs of [5_000, 55_000, 65_000, 3_500_000, 3_700_000])
    it(`regression: while retries wait for ${retryInMs / 1_000} s`, async () => {
      const { accountId, id, worker } = await halfOpen({ retryInMs });
      for (let round = 0; round < 2; round += 1) {
        await publish(accountId);
        const probes = await dispatchJobs();
        expect(probes).toHaveLength(1);
        for (const probe of probes) await worker.attempt(probe, signal); // and waits for its retry
        await set('subscriptions', id, 'circuit_open_until = now()');
      }
    });

  it('regression: while its retries are spread over hours and one is always due within the next minute', async () => {
    const { accountId } = await halfOpen({ retryInMs: 3_500_000 });
    await publish(accountId, 40);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries d SET due_at = t.at, leased_until = NULL
       FROM (SELECT id, now() + row_number() OVER (ORDER BY id) * interval '30 seconds' AS at FROM deliveries) t WHERE t.id = d.id`,
    );
    await publish(accountId);
    expect(await dispatchedIds()).toHaveLength(1);
  });

  it('even if jobs were queued when the circuit opened, because they may be lost', async () => {
    const { accountId } = await halfOpen({ retryInMs: 3_500_000 });
    const [lost, waiting] = await publish(accountId, 2);
    await set('pending_deliveries', lost ?? '', `leased_until = now() + interval '50 seconds'`);
    expect(await dispatchedIds()).toEqual([waiting]);
  });

  it('sends a due delivery as the probe, not one that is scheduled for later', async () => {
    const { accountId } = await halfOpen({ retryInMs: 3_700_000 });
    await ledger.db.pool.query(`UPDATE pending_deliveries SET due_at = now() + interval '1 hour', leased_until = NULL`);
    expect(await dispatchedIds()).toEqual([]);
    const [published] = await publish(accountId);
    expect(await dispatchedIds()).toEqual([published]);
  });

  it('sends another probe when the probe’s delivery is canceled', async () => {
    const { accountId } = await halfOpen({ retryInMs: 3_500_000 });
    const [first, second] = await publish(accountId, 2);
    expect(await dispatchedIds()).toEqual([first]);
    expect(await dispatchedIds(), 'one at a time').toEqual([]);
    await cancel(first ?? '');
    await ledger.passSecond();
    expect(await dispatchedIds()).toEqual([second]);
  });

  it('sends another probe when a worker lost the first and its lease has ended', async () => {
    const { accountId } = await halfOpen({ retryInMs: 3_500_000 });
    const [first] = await publish(accountId, 2);
    expect(await dispatchedIds()).toEqual([first]);
    await set('pending_deliveries', first ?? '', 'leased_until = now()');
    expect(await dispatchedIds()).toEqual([first]);
  });

  it('sends another probe when a shutdown aborted the first', async () => {
    const { accountId, worker } = await halfOpen({ retryInMs: 3_500_000 });
    const [first] = await publish(accountId);
    expect(await dispatchedIds()).toEqual([first]);
    ledger.results.splice(0, 1, { outcome: 'aborted', statusCode: null });
    if (first) await worker.attempt({ id: first, attemptNumber: 1 }, signal);
    expect(await dispatchedIds()).toEqual([first]);
  });

  it('sends the probe also under a rate limit', async () => {
    const { accountId, id } = await halfOpen({ retryInMs: 55_000 });
    await set('subscriptions', id, 'rate_limit = 1');
    await publish(accountId);
    expect(await dispatchedIds()).toHaveLength(1);
  });

  it('wakes the dispatcher for a published event', async () => {
    const { accountId } = await halfOpen({ retryInMs: 55_000 });
    let calls = 0;
    const listener = await listenForWork(ledger.db, () => void (calls += 1));
    await publish(accountId);
    await waitFor(() => (calls > 0 ? true : null), { what: 'the dispatcher to be woken' });
    listener.close();
  });
});

describe('a subscription that changes while its circuit is half-open', () => {
  it('sends everything after a pause and a resume: the circuit is closed', async () => {
    const { accountId, id } = await halfOpen({ retryInMs: 55_000 });
    const published = await publish(accountId, 3);
    await dispatchedIds();
    await pauseSubscription(ledger, { accountId, id });
    expect(await dispatchedIds()).toEqual([]);
    await resumeSubscription(ledger, { accountId, id });
    expect(await dispatchedIds()).toEqual(expect.arrayContaining(published));
  });

  it('sends no probe after it was disabled or deleted', async () => {
    for (const end of [disableSubscription, deleteSubscription]) {
      const { accountId, id } = await halfOpen({ retryInMs: 55_000 });
      await publish(accountId, 3);
      await end(ledger, { accountId, id });
      expect(await dispatchedIds()).toEqual([]);
    }
  });
});

describe('room', () => {
  async function withRetries(seconds: number) {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await set('subscriptions', id, 'concurrency_limit = 2');
    ledger.results.splice(0, 1, FAILED);
    await publish(accountId, 2);
    const worker = ledger.attempter({ waitsMs: [seconds * 1_000] });
    for (const job of ledger.jobs.splice(0)) await worker.attempt(job, signal);
    expect(ledger.jobs).toEqual([]);
    return accountId;
  }

  it('regression: scheduled retries use no capacity that publishes need', async () => {
    for (const seconds of [5, 55, 3_500]) {
      const accountId = await withRetries(seconds);
      const published = await publish(accountId, 3);
      const enqueued = ledger.jobs.splice(0).map(({ id }) => id);
      expect(enqueued).toHaveLength(2);
      expect(published).toEqual(expect.arrayContaining(enqueued));
    }
  });

  it('regression: scheduled retries use no capacity that the dispatcher needs', async () => {
    for (const seconds of [5, 55, 3_500]) {
      const accountId = await withRetries(seconds);
      const published = await publish(accountId, 3);
      for (const one of published) await set('pending_deliveries', one, 'leased_until = NULL');
      ledger.jobs.length = 0;
      expect(await dispatchedIds()).toHaveLength(2);
    }
  });

  it('a delayed retry in the queue uses capacity once it is due', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    ledger.results.splice(0, 1, FAILED);
    await publish(accountId);
    const [job] = ledger.jobs.splice(0);
    if (job) await ledger.attempter({ waitsMs: [30_000] }).attempt(job, signal);
    await set('subscriptions', id, 'concurrency_limit = 1');
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = due_at - interval '31 seconds', leased_until = leased_until - interval '31 seconds'`,
    );
    ledger.jobs.length = 0;
    await publish(accountId);
    expect(ledger.jobs).toEqual([]);
    expect(await dispatchedIds()).toEqual([]);
  });
});
