import { toTypeId } from '@posthorn/contract';
import type { PostResult } from '@posthorn/sender';
import { isWaitingForLock, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteAccount } from '../accounts/delete-account.js';
import { type Database, openDatabase } from '../database.js';
import { requestRetry } from '../deliver/request-retry.js';
import { COLUMNS } from '../delivery-tables.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { FAILED, GONE, type Ledger, openLedger, silent } from '../ledger.test-support.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { sendTest } from '../subscriptions/send-test.js';
import { advanceReplays } from './advance-replays.js';
import { cancelReplay } from './cancel-replay.js';
import { listReplayAccounts } from './replay-accounts.js';
import { findReplay } from './replay.js';
import { ANY_REPLAY, replayOf } from './replay-of.test-support.js';
import { MAX_RUNNING, startReplay, type WantedReplay } from './start-replay.js';
import { tallyReplays } from './tally-replays.js';

let ledger: Ledger;
let databaseUrl: string;
beforeAll(async () => {
  ledger = await openLedger();
  databaseUrl = ledger.db.pool.options.connectionString ?? '';
});
afterAll(() => ledger.close());
beforeEach(async () => {
  await ledger.publisher.drain();
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
  await ledger.db.pool.query(
    'TRUNCATE pending_deliveries, due_subscriptions, finished_deliveries, earlier_attempts, events, replays',
  );
});

const { signal } = new AbortController();
const LONG_AGO = ANY_REPLAY.since;
const soon = () => new Date(Date.now() + 1_000);
type Wanted = Partial<Omit<WantedReplay, 'accountId'>> & { accountId: string; subscriptionId: string };

/** Starts a replay of one subscription. */
const ask = (wanted: Wanted) => startReplay(ledger, replayOf({ until: soon(), ...wanted }));
const askFor = (wanted: Partial<WantedReplay> & Pick<WantedReplay, 'accountId'>) =>
  startReplay(ledger, { ...ANY_REPLAY, until: soon(), ...wanted });

async function start(wanted: Wanted): Promise<string> {
  const result = await ask(wanted);
  if (result.outcome !== 'started') throw new Error(result.outcome);
  return result.replay.id;
}

async function count(wanted: Wanted): Promise<number> {
  const result = await ask({ ...wanted, isDryRun: true });
  if (result.outcome !== 'counted') throw new Error(result.outcome);
  return result.matched;
}

/** Tallies the replay now, even if it was tallied a moment ago. */
async function tally(): Promise<void> {
  await ledger.db.pool.query('UPDATE replays SET tally_at = now()');
  await tallyReplays(ledger.db.pool);
}

const isRunning = async () => (await ledger.db.prisma.replay.count({ where: { status: 'running' } })) > 0;

async function advanceToTheEnd(atOnce = 500): Promise<void> {
  while (await isRunning()) await advanceReplays(ledger.db, { atOnce });
}

/** Starts a replay and queues all of it. */
async function replay(wanted: Wanted) {
  const id = await start(wanted);
  await advanceToTheEnd();
  await tally();
  return findReplay(ledger.db, { accountId: wanted.accountId, id });
}

/** Runs the dispatcher and the workers. */
const deliver = () => ledger.settle();

async function subscribed(options: { events?: string[] } = {}) {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId, options);
  return { accountId, subscriptionId: id, key: { accountId, id } };
}

/** Publishes an event whose only attempt fails. Returns the event's id. */
async function failADelivery(accountId: string): Promise<string> {
  const eventId = await ledger.publish(accountId, { payload: '{"z":12345678901234567890, "10":1,"9":2}' });
  await ledger.publisher.drain();
  ledger.results.splice(0, ledger.results.length, FAILED);
  for (const job of ledger.jobs.splice(0)) await ledger.attempter({ waitsMs: [] }).attempt(job, signal);
  ledger.results.length = 0;
  return eventId;
}

/** Creates many failed deliveries without making attempts. */
async function failMany({ accountId, subscriptionId }: Wanted, many: number): Promise<void> {
  await ledger.db.pool.query(
    `WITH event AS (
       INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
       SELECT posthorn_uuidv7(), $1, 'message:created', '{"event":"message:created","payload":{}}', 1, now() FROM generate_series(1, $3)
       RETURNING id, account_id, type
     )
     INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count,
       failure_count, created_at, completed_at)
     SELECT posthorn_delivery_id(id), account_id, id, type, $2, 'failed', 'exhausted', 5, 5, now(), now() FROM event`,
    [accountId, subscriptionId, many],
  );
}

/** Publishes many events without deliveries. */
async function publishUnheard(accountId: string, many: number): Promise<void> {
  await ledger.db.pool.query(
    `INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
     SELECT posthorn_uuidv7(), $1, 'message:created', '{"event":"message:created","payload":{}}', 0, now() FROM generate_series(1, $2)`,
    [accountId, many],
  );
}

const triggers = async (accountId: string) => {
  return (await ledger.db.prisma.attempt.findMany({ where: { accountId }, orderBy: { number: 'asc' } })).map(
    ({ trigger }) => trigger,
  );
};
const deliveries = (where: { accountId: string; eventId?: string }) =>
  ledger.db.prisma.delivery.findMany({ where, orderBy: { id: 'asc' } });

/** Records each delivery that leaves `failed`, by moving, by a change in place, or by a replay. */
async function noteComebacks(): Promise<() => Promise<string[]>> {
  await ledger.db.pool.query(`
    CREATE TABLE IF NOT EXISTS comebacks (event_id uuid);
    TRUNCATE comebacks;
    CREATE OR REPLACE FUNCTION note_comeback() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO comebacks VALUES (NEW.event_id); RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER comes_back AFTER UPDATE ON pending_deliveries FOR EACH ROW
      WHEN (OLD.status = 'failed' AND NEW.status <> 'failed') EXECUTE FUNCTION note_comeback();
    CREATE OR REPLACE TRIGGER is_made_or_moves AFTER INSERT ON pending_deliveries FOR EACH ROW
      WHEN (NEW.replay_id IS NOT NULL) EXECUTE FUNCTION note_comeback()`);
  return async () => {
    const { rows } = await ledger.db.pool.query<{ id: string }>('SELECT event_id AS id FROM comebacks');
    return rows.map(({ id }) => id);
  };
}

describe('replay failed', () => {
  it('sends failed deliveries again at once, with the full schedule, the same webhook-id and the same bytes', async () => {
    const { accountId, subscriptionId } = await subscribed();
    const eventId = await failADelivery(accountId);
    const [first] = ledger.posts.splice(0);
    const id = await start({ accountId, subscriptionId });
    expect(await advanceReplays(ledger.db, { atOnce: 500 })).toBe(1);
    expect(await deliveries({ accountId })).toMatchObject([
      {
        status: 'pending',
        statusReason: null,
        failureCount: 0,
        attemptCount: 1,
        requestedTrigger: 'replay',
        completedAt: null,
      },
    ]);
    await deliver();
    expect(ledger.posts.map(({ webhookId }) => webhookId)).toEqual([toTypeId('evt', eventId)]);
    expect(Buffer.from(ledger.posts[0]?.body ?? '')).toEqual(Buffer.from(first?.body ?? ''));
    expect(await deliveries({ accountId })).toMatchObject([
      { status: 'succeeded', attemptCount: 2, requestedTrigger: null },
    ]);
    expect(await triggers(accountId)).toEqual(['auto', 'replay']);
    await tally();
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
      status: 'completed',
      matched: 1,
      queued: 1,
      delivered: 1,
      failed: 0,
      pending: 0,
    });
  });

  it('only the next attempt belongs to the replay; if it fails, the full schedule continues', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failADelivery(accountId);
    await replay({ accountId, subscriptionId });
    ledger.results.push(FAILED);
    await deliver();
    expect(await triggers(accountId)).toEqual(['auto', 'replay', 'auto', 'auto']);
    expect(await deliveries({ accountId })).toMatchObject([{ status: 'pending', failureCount: 3 }]);
  });

  it('also sends deliveries that were canceled when the subscription was disabled', async () => {
    const { accountId, subscriptionId, key } = await subscribed();
    await ledger.publish(accountId);
    await disableSubscription(ledger, key);
    await resumeSubscription(ledger, key);
    expect(await deliveries({ accountId })).toMatchObject([{ status: 'canceled' }]);
    await replay({ accountId, subscriptionId });
    await deliver();
    expect(await deliveries({ accountId })).toMatchObject([{ status: 'succeeded', statusReason: null }]);
  });

  it('sends one more request if one of three subscriptions failed, only to that one', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await ledger.activeSubscription(accountId);
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    const ours = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { subscriptionId } });
    const worker = ledger.attempter({ waitsMs: [] });
    for (const job of ledger.jobs.splice(0)) {
      ledger.results.splice(0, 1, job.id === ours.id ? FAILED : {});
      await worker.attempt(job, signal);
    }
    ledger.results.length = 0;
    ledger.posts.length = 0;
    for (const { id } of await ledger.db.prisma.subscription.findMany({ where: { accountId } }))
      await replay({ accountId, subscriptionId: id });
    await deliver();
    expect(ledger.posts).toHaveLength(1);
    expect((await deliveries({ accountId })).filter(({ attemptCount }) => attemptCount === 2)).toMatchObject([
      { subscriptionId },
    ]);
  });

  it('from `since` until before `until`, to the millisecond; succeeded and pending deliveries are unchanged', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 6);
    const [early, first, last, late, succeeded, pending] = await deliveries({ accountId });
    const { rows } = await ledger.db.pool.query<{ at: Date }>(`SELECT date_trunc('second', now()) AS at`);
    const at = rows[0]?.at.getTime() ?? 0;
    const set = (id = '', ms = 0, fields = '') =>
      ledger.db.pool.query(`UPDATE finished_deliveries SET created_at = $2 ${fields} WHERE id = $1`, [
        id,
        new Date(at + ms),
      ]);
    await set(early?.id, -1_001);
    await set(first?.id, -1_000);
    await set(last?.id, -1);
    await set(late?.id, 0);
    await set(succeeded?.id, -500, `, status = 'succeeded'`);
    await set(pending?.id, -500);
    await ledger.db.pool.query(
      `WITH leaving AS (DELETE FROM finished_deliveries WHERE id = $1 RETURNING *)
       INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at)
       SELECT id, account_id, event_id, event_type, subscription_id, created_at, 'pending', now() FROM leaving`,
      [pending?.id],
    );
    const { createdAt: since } = await ledger.db.prisma.delivery.findUniqueOrThrow({ where: { id: first?.id ?? '' } });
    const until = new Date(since.getTime() + 1_000);
    expect(await count({ accountId, subscriptionId, since, until })).toBe(2);
    expect(await replay({ accountId, subscriptionId, since, until })).toMatchObject({ matched: 2, queued: 2 });
    const back = (await deliveries({ accountId })).filter(({ replayId }) => replayId !== null);
    expect(back.map(({ id }) => id)).toEqual([first?.id, last?.id]);
  });

  it('keeps a requested retry, and sends the delivery once', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failADelivery(accountId);
    const [failed] = await deliveries({ accountId });
    await requestRetry(ledger, { accountId, id: failed?.id ?? '' });
    await replay({ accountId, subscriptionId });
    ledger.posts.length = 0;
    await deliver();
    expect(ledger.posts).toHaveLength(1);
    const attempts = await ledger.db.prisma.attempt.findMany({ where: { accountId, number: 2 } });
    expect(attempts).toMatchObject([{ trigger: 'manual' }]);
  });

  it('a retry requested after the replay takes precedence', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failADelivery(accountId);
    await replay({ accountId, subscriptionId });
    const [back] = await deliveries({ accountId });
    await requestRetry(ledger, { accountId, id: back?.id ?? '' });
    expect(await deliveries({ accountId })).toMatchObject([{ requestedTrigger: 'manual' }]);
  });
});

describe('replay missed', () => {
  const wanted = (subscription: Awaited<ReturnType<typeof subscribed>>): Wanted => ({
    accountId: subscription.accountId,
    subscriptionId: subscription.subscriptionId,
    which: 'missed',
  });

  it('sends events published before the subscription existed, while it was unverified and while it was disabled, once', async () => {
    const accountId = await ledger.account();
    const before = await ledger.publish(accountId);
    const { id: subscriptionId } = await ledger.activeSubscription(accountId);
    const key = { accountId, id: subscriptionId };
    await ledger.db.prisma.subscription.update({ where: { id: subscriptionId }, data: { status: 'unverified' } });
    const unverified = await ledger.publish(accountId);
    await ledger.db.prisma.subscription.update({ where: { id: subscriptionId }, data: { status: 'active' } });
    await disableSubscription(ledger, key);
    const disabled = await ledger.publish(accountId, { payload: '{"z":12345678901234567890, "10":1,"9":2}' });
    await resumeSubscription(ledger, key);
    const had = await ledger.publish(accountId);
    await ledger.publisher.drain();
    await ledger.work();
    expect(ledger.posts.map(({ webhookId }) => webhookId)).toEqual([toTypeId('evt', had)]);
    ledger.posts.length = 0;

    expect(await count({ accountId, subscriptionId, which: 'missed' })).toBe(3);
    expect(await replay({ accountId, subscriptionId, which: 'missed' })).toMatchObject({
      matched: 3,
      queued: 3,
      pending: 3,
    });
    await deliver();
    const created = await deliveries({ accountId });
    expect(created.map(({ id }) => id.slice(0, 18))).toEqual(created.map(({ eventId }) => eventId.slice(0, 18)));
    const posted = new Map(ledger.posts.map(({ webhookId, body }) => [webhookId, body]));
    expect([...posted.keys()].toSorted()).toEqual([before, unverified, disabled].map((id) => toTypeId('evt', id)));
    const { body } = await ledger.db.prisma.event.findFirstOrThrow({ where: { id: disabled } });
    expect(Buffer.from(posted.get(toTypeId('evt', disabled)) ?? '')).toEqual(Buffer.from(body));
    const attempts = await ledger.db.prisma.attempt.findMany({ where: { accountId, trigger: 'replay' } });
    expect(attempts.map(({ number }) => number)).toEqual([1, 1, 1]);
    expect(await replay({ accountId, subscriptionId, which: 'missed' })).toMatchObject({ matched: 0, queued: 0 });
  });

  it.each([
    ['exact types', ['conversation:created'], ['conversation:created']],
    ['a pattern', ['conversation:*'], ['conversation:created', 'conversation:updated']],
    ['all', [], ['conversation:created', 'conversation:updated', 'message:created']],
  ])('uses the current event types, not those at the time of the event: %s', async (_, events, found) => {
    const { accountId, subscriptionId, key } = await subscribed({ events: ['nothing:yet'] });
    for (const type of ['message:created', 'conversation:created', 'conversation:updated'])
      await ledger.publish(accountId, { type });
    await changeSubscription(ledger, { ...key, changes: { events } });
    expect(await count({ accountId, subscriptionId, which: 'missed' })).toBe(found.length);
    await replay({ accountId, subscriptionId, which: 'missed' });
    expect((await deliveries({ accountId })).map(({ eventType }) => eventType).toSorted()).toEqual(found);
  });

  it('leaves out events that the current filter excludes, in the preview and the replay', async () => {
    const { accountId, subscriptionId, key } = await subscribed({ events: ['nothing:yet'] });
    const found = [];
    for (let n = 0; n < 12; n += 1) {
      const eventId = await ledger.publish(accountId, { payload: `{"n":${n},"body":"\\u0000"}` });
      if (n % 3 === 0) found.push(eventId);
    }
    await changeSubscription(ledger, {
      ...key,
      changes: { events: [], filter: '$.n == 0 || $.n == 3 || $.n == 6 || $.n == 9' },
    });
    expect(await count({ accountId, subscriptionId, which: 'missed' })).toBe(4);
    expect(await replay({ accountId, subscriptionId, which: 'missed' })).toMatchObject({ matched: 4, queued: 4 });
    expect((await deliveries({ accountId })).map(({ eventId }) => eventId).toSorted()).toEqual(found.toSorted());
    await changeSubscription(ledger, { ...key, changes: { filter: null } });
    expect(await count({ accountId, subscriptionId, which: 'missed' })).toBe(8);
  });

  it('an event with a delivery is not missed, whatever the status', async () => {
    const subscription = await subscribed();
    const { accountId } = subscription;
    await failADelivery(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    expect(await count(wanted(subscription))).toBe(0);
    expect(await replay(wanted(subscription))).toMatchObject({ status: 'completed', queued: 0 });
    expect(await deliveries({ accountId })).toHaveLength(2);
  });

  it('excludes suppressed events, tests of other subscriptions, and events of other accounts', async () => {
    const subscription = await subscribed();
    const { accountId } = subscription;
    const other = await ledger.activeSubscription(accountId);
    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    await sendTest(ledger, { accountId, id: other.id, frozen: frozen.frozen });
    await publishUnheard(accountId, 3);
    await ledger.db.pool.query('UPDATE events SET suppressed = true WHERE account_id = $1', [accountId]);
    await publishUnheard(await ledger.account(), 3);
    expect(await count(wanted(subscription))).toBe(0);
    expect(await replay(wanted(subscription))).toMatchObject({ queued: 0 });
  });

  it('from `since` until before `until`, by the time of the publish', async () => {
    const subscription = await subscribed();
    const { accountId } = subscription;
    await publishUnheard(accountId, 4);
    const { rows } = await ledger.db.pool.query<{ id: string; createdAt: Date }>(
      `UPDATE events e SET created_at = date_trunc('second', now()) + n.ms * interval '1 ms'
       FROM (SELECT id, (ARRAY[-1001, -1000, -1, 0])[row_number() OVER (ORDER BY id)] AS ms FROM events WHERE account_id = $1) n
       WHERE e.id = n.id RETURNING e.id, e.created_at AS "createdAt"`,
      [accountId],
    );
    const [, first, last, late] = rows.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    const within = { since: first?.createdAt ?? LONG_AGO, until: late?.createdAt ?? LONG_AGO };
    expect(await replay({ ...wanted(subscription), ...within })).toMatchObject({ matched: 2, queued: 2 });
    const found = (await deliveries({ accountId })).map(({ eventId }) => eventId);
    expect(new Set(found)).toEqual(new Set([first?.id, last?.id]));
  });

  it('finds few matches among many thousands, with a bounded number of rows per step', async () => {
    const subscription = await subscribed({ events: ['conversation:created'] });
    const { accountId } = subscription;
    await publishUnheard(accountId, 6_000);
    const rare = await ledger.db.pool.query<{ id: string }>(
      `UPDATE events SET type = 'conversation:created' WHERE id = ANY (ARRAY(
         SELECT id FROM events WHERE account_id = $1 ORDER BY id DESC LIMIT 3
       )) RETURNING id`,
      [accountId],
    );
    const id = await start(wanted(subscription));
    expect(await advanceReplays(ledger.db, { atOnce: 2 })).toBe(0); // this step found none among the first 5,000
    await advanceToTheEnd(2);
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
      matched: 3,
      queued: 3,
      status: 'delivering',
    });
    expect(new Set((await deliveries({ accountId })).map(({ eventId }) => eventId))).toEqual(
      new Set(rare.rows.map((row) => row.id)),
    );
  });
});

describe('a replay and its subscription', () => {
  it('a dry run counts what the replay sends and stores nothing', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 30);
    const matched = await count({ accountId, subscriptionId });
    expect(await ledger.db.prisma.replay.count()).toBe(0);
    expect(await replay({ accountId, subscriptionId })).toMatchObject({ matched, queued: matched, pending: 30 });
    expect(matched).toBe(30);
  });

  it('one at a time: a second start is refused and returns the running one; of two concurrent ones, one starts', async () => {
    const { accountId, subscriptionId } = await subscribed();
    const results = await Promise.all([ask({ accountId, subscriptionId }), ask({ accountId, subscriptionId })]);
    const started = results.find((result) => result.outcome === 'started');
    const replayId = started?.outcome === 'started' ? started.replay.id : '';
    expect(results.find((result) => result !== started)).toEqual({ outcome: 'running', replayId });
    expect(await ask({ accountId, subscriptionId, which: 'missed' })).toEqual({ outcome: 'running', replayId });
    expect(await ask({ accountId, subscriptionId, isDryRun: true })).toMatchObject({ outcome: 'counted', matched: 0 });
    await advanceToTheEnd();
    expect(await ask({ accountId, subscriptionId })).toMatchObject({ outcome: 'started' });
  });

  it('is refused for an unverified, disabled or deleted subscription, and for another account', async () => {
    const { accountId, subscriptionId, key } = await subscribed();
    const unknown = { outcome: 'unknown', what: 'subscription', id: subscriptionId };
    expect(await ask({ accountId: await ledger.account(), subscriptionId })).toEqual(unknown);
    await disableSubscription(ledger, key);
    const disabled = await ask({ accountId, subscriptionId });
    expect(disabled).toMatchObject({ outcome: 'not_possible', reason: expect.stringContaining('resume it first') });
    await deleteSubscription(ledger, key);
    expect(await ask({ accountId, subscriptionId })).toEqual(unknown);
    const created = await createSubscription(
      ledger,
      { accountId, url: 'https://hooks.example.com', events: [] },
      { maxSubscriptions: 1_000 },
    );
    if (created.outcome !== 'created') throw new Error(created.outcome);
    const unverified = await ask({ accountId, subscriptionId: created.subscription.id });
    expect(unverified).toMatchObject({ outcome: 'not_possible', reason: expect.stringContaining('verify it first') });
  });

  it.each(['failed', 'missed'] as const)(
    'paused: replayed deliveries (%s) are held, and sent after the resume',
    async (which) => {
      const { accountId, subscriptionId, key } = await subscribed();
      if (which === 'failed') await failADelivery(accountId);
      else await publishUnheard(accountId, 1);
      await pauseSubscription(ledger, key);
      await replay({ accountId, subscriptionId, which });
      expect(await deliveries({ accountId })).toMatchObject([
        { status: 'held', requestedTrigger: null, leasedUntil: null },
      ]);
      ledger.posts.length = 0;
      await deliver();
      expect(ledger.posts).toEqual([]);
      await resumeSubscription(ledger, key);
      await deliver();
      expect(ledger.posts).toHaveLength(1);
    },
  );

  it('a pause in the middle holds all replayed deliveries until the resume', async () => {
    const { accountId, subscriptionId, key } = await subscribed();
    await failMany({ accountId, subscriptionId }, 10);
    const id = await start({ accountId, subscriptionId });
    await advanceReplays(ledger.db, { atOnce: 4 });
    await pauseSubscription(ledger, key);
    await advanceToTheEnd(4);
    expect(new Set((await deliveries({ accountId })).map(({ status }) => status))).toEqual(new Set(['held']));
    await deliver();
    expect(ledger.posts).toEqual([]);
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
      status: 'delivering',
      queued: 10,
      pending: 10,
    });
    await resumeSubscription(ledger, key);
    await deliver();
    expect(ledger.posts).toHaveLength(10);
  });

  it.each([
    ['disabled', disableSubscription],
    ['deleted', deleteSubscription],
  ] as const)('%s in the middle cancels the replay and leaves the rest unchanged', async (_, end) => {
    const { accountId, subscriptionId, key } = await subscribed();
    await failMany({ accountId, subscriptionId }, 10);
    const id = await start({ accountId, subscriptionId });
    await advanceReplays(ledger.db, { atOnce: 4 });
    await end(ledger, key);
    expect(await advanceReplays(ledger.db, { atOnce: 4 })).toBe(0);
    const found = await findReplay(ledger.db, { accountId, id });
    expect(found).toMatchObject({ status: 'canceled', queued: 4, failed: 4, pending: 0 });
    expect(found?.endedAt).not.toBeNull();
    const states = (await deliveries({ accountId })).map(({ status }) => status);
    expect(states).toEqual([...Array(4).fill('canceled'), ...Array(6).fill('failed')]);
  });

  it('is erased with its account', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 10);
    await start({ accountId, subscriptionId });
    await advanceReplays(ledger.db, { atOnce: 4 });
    await deleteAccount(ledger, { id: accountId });
    await ledger.erase();
    expect(await advanceReplays(ledger.db, { atOnce: 4 })).toBe(0);
    expect(await deliveries({ accountId })).toEqual([]);
  });

  it('canceled in the middle: replayed deliveries are sent, the rest is unchanged; a second cancel changes nothing', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 10);
    const id = await start({ accountId, subscriptionId });
    await advanceReplays(ledger.db, { atOnce: 4 });
    const canceled = await cancelReplay(ledger, { accountId, id });
    expect(canceled).toMatchObject({ status: 'canceled', queued: 4, pending: 4 });
    expect(await advanceReplays(ledger.db, { atOnce: 4 })).toBe(0);
    await deliver();
    expect(ledger.posts).toHaveLength(4);
    expect(await cancelReplay(ledger, { accountId, id })).toMatchObject({ endedAt: canceled?.endedAt, delivered: 4 });
    expect(await cancelReplay(ledger, { accountId: await ledger.account(), id })).toBeNull();
    expect(await replay({ accountId, subscriptionId })).toMatchObject({ status: 'delivering', queued: 6 });
  });

  it('a completed replay stays completed when it is canceled', async () => {
    const { accountId, subscriptionId } = await subscribed();
    const done = await replay({ accountId, subscriptionId });
    expect(await cancelReplay(ledger, { accountId, id: done?.id ?? '' })).toEqual(done);
  });

  it('a delivery counts for the last replay that queued it, and a replay that has settled keeps its counts', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failADelivery(accountId);
    const first = await replay({ accountId, subscriptionId });
    const key = { accountId, id: first?.id ?? '' };
    await disableSubscription(ledger, { accountId, id: subscriptionId });
    await resumeSubscription(ledger, { accountId, id: subscriptionId });
    expect(await findReplay(ledger.db, key)).toMatchObject({ status: 'delivering', queued: 1, failed: 1, pending: 0 });
    expect(await start({ accountId, subscriptionId })).not.toBe(key.id);
    await advanceToTheEnd();
    expect(await findReplay(ledger.db, key)).toMatchObject({ queued: 1, failed: 0, pending: 0 });
    await deliver();
    await tally();
    expect(await findReplay(ledger.db, key)).toMatchObject({ status: 'completed', queued: 1, delivered: 0, failed: 0 });
  });
});

describe('progress', () => {
  it('U6: a replay is delivering until its deliveries end; if all fail, it completes with 0 delivered', async () => {
    const subscription = await subscribed();
    await failMany(subscription, 37);
    const { accountId } = subscription;
    const id = await start(subscription);
    await advanceToTheEnd();
    await tally();
    const queued = { matched: 37, queued: 37, delivered: 0, failed: 0, pending: 37 };
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
      status: 'delivering',
      endedAt: null,
      ...queued,
    });
    ledger.results.push(...Array<PostResult>(37).fill(GONE as PostResult));
    await deliver();
    await tally();
    const ended = await findReplay(ledger.db, { accountId, id });
    expect(ended).toMatchObject({ status: 'completed', queued: 37, delivered: 0, failed: 37, pending: 0 });
  });

  it('the ledger refuses a completed replay with pending deliveries', async () => {
    const subscription = await subscribed();
    await failMany(subscription, 1);
    const id = await start(subscription);
    await advanceToTheEnd();
    await tally();
    const complete = ledger.db.pool.query(
      `UPDATE replays SET status = 'completed', ended_at = now(), settled_at = now() WHERE id = $1`,
      [id],
    );
    await expect(complete).rejects.toThrow('replays_completed_check');
    await cancelReplay(ledger, { accountId: subscription.accountId, id });
  });

  it('a large replay shows its last counts; a canceled one settles when its queued deliveries have ended', async () => {
    const subscription = await subscribed();
    const { accountId } = subscription;
    await failMany(subscription, 2_500);
    const id = await start(subscription);
    for (let step = 0; step < 3; step += 1) await advanceReplays(ledger.db, { atOnce: 800 });
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({ queued: 2_400, pending: 0 });
    await tally();
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({ queued: 2_400, pending: 2_400 });
    await cancelReplay(ledger, { accountId, id });
    await tally();
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({ status: 'canceled', settledAt: null });
    await deliver();
    await tally();
    const settled = { status: 'canceled', settledAt: expect.any(Date), delivered: 2_400, pending: 0 };
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject(settled);
  });
});

describe('filters', () => {
  const of = (accountId: string, wanted: Partial<WantedReplay> = {}) => ({
    accountId,
    accountIds: [accountId],
    ...wanted,
  });
  async function run(wanted: Parameters<typeof askFor>[0]) {
    const counted = await askFor({ ...wanted, isDryRun: true });
    const started = await askFor(wanted);
    if (started.outcome !== 'started' || counted.outcome !== 'counted') throw new Error(started.outcome);
    await advanceToTheEnd();
    const ended = await findReplay(ledger.db, { accountId: null, id: started.replay.id });
    expect(ended?.queued, 'as many as the preview counted').toBe(counted.matched);
    const sent = await ledger.db.prisma.delivery.findMany({ where: { replayId: started.replay.id } });
    return { ended, counted, sent };
  }
  const set = (fields: string, id = '') =>
    ledger.db.pool.query(`UPDATE finished_deliveries SET ${fields} WHERE id = $1`, [id]);

  it('by default, sends to all active and paused subscriptions of an account', async () => {
    const accountId = await ledger.account();
    const [active, paused, disabled] = [
      await ledger.activeSubscription(accountId),
      await ledger.activeSubscription(accountId),
      await ledger.activeSubscription(accountId),
    ];
    for (const { id } of [active, paused, disabled]) await failMany({ accountId, subscriptionId: id }, 3);
    await pauseSubscription(ledger, { accountId, id: paused.id });
    await disableSubscription(ledger, { accountId, id: disabled.id });
    const { sent, counted } = await run(of(accountId));
    expect(counted).toMatchObject({ matched: 6, hasMore: false, subscriptionCount: 2, accountCount: 1 });
    const states = sent.map(({ subscriptionId, status }) => `${subscriptionId} ${status}`).toSorted();
    const expected = [active, paused].flatMap(({ id }) =>
      Array<string>(3).fill(`${id} ${id === paused.id ? 'held' : 'pending'}`),
    );
    expect(states).toEqual(expected.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('selects by event types, outcomes and statuses, including succeeded deliveries on request', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 5);
    const [timeout, typed, canceled, succeeded, plain] = await deliveries({ accountId });
    await set(`last_outcome = 'timeout'`, timeout?.id);
    await set(`event_type = 'conversation:created'`, typed?.id);
    await set(`status = 'canceled'`, canceled?.id);
    await set(`status = 'succeeded', last_outcome = 'ok'`, succeeded?.id);
    const sentBy = async (wanted: Partial<WantedReplay>) => (await run(of(accountId, wanted))).sent.map(({ id }) => id);
    expect(await sentBy({ outcomes: ['timeout', 'dns_error'] })).toEqual([timeout?.id]);
    expect(await sentBy({ eventTypes: ['conversation:created'] })).toEqual([typed?.id]);
    expect(await sentBy({ statuses: ['succeeded'] })).toEqual([succeeded?.id]);
    expect(await sentBy({ statuses: ['canceled'] })).toEqual([canceled?.id]);
    expect(await sentBy({})).toEqual([plain?.id]);
    ledger.posts.length = 0;
    await deliver();
    expect(ledger.posts.map(({ webhookId, url }) => `${webhookId} ${url}`)).toHaveLength(5);
  });

  it('selects by HTTP statuses and classes, triggers, an earlier replay, and all of them together', async () => {
    const { accountId, subscriptionId } = await subscribed();
    const other = await subscribed();
    await failMany({ accountId, subscriptionId }, 4);
    await failMany(other, 1);
    const [unavailable, missing, manual, plain] = await deliveries({ accountId });
    await set(`last_status_code = 503, last_outcome = 'http_error', last_trigger = 'auto'`, unavailable?.id);
    await set(`last_status_code = 404, last_outcome = 'http_error', last_trigger = 'auto'`, missing?.id);
    await set(`last_status_code = 503, last_outcome = 'http_error', last_trigger = 'manual'`, manual?.id);
    const counted = async (wanted: Partial<WantedReplay>) => {
      const result = await askFor(of(accountId, { isDryRun: true, ...wanted }));
      return result.outcome === 'counted' ? result.matched : result;
    };
    expect(await counted({ statusCodes: ['5xx'] })).toBe(2);
    expect(await counted({ statusCodes: ['404', '503'] })).toBe(3);
    expect(await counted({ triggers: ['manual'] })).toBe(1);
    const first = await run(of(accountId, { statusCodes: ['5xx'], triggers: ['auto'] }));
    expect(first.sent.map(({ id }) => id)).toEqual([unavailable?.id]);
    ledger.results.push(GONE);
    await deliver();
    ledger.results.length = 0;
    await resumeSubscription(ledger, { accountId, id: subscriptionId });
    const ofReplayId = first.ended?.id ?? '';
    expect(await counted({ ofReplayId, statusCodes: ['503'] })).toBe(0);
    const again = await run(of(accountId, { ofReplayId, since: new Date(0) }));
    expect(again.sent.map(({ id }) => id)).toEqual([unavailable?.id]);
    expect(again.ended).toMatchObject({ ofReplayId, accountIds: [accountId] });
    expect(await counted({ ofReplayId }), 'a delivery belongs to its last replay').toBe(0);
    const strange = await askFor(of(other.accountId, { ofReplayId, isDryRun: true }));
    expect(strange).toEqual({ outcome: 'unknown', what: 'replay', id: ofReplayId });
    expect(plain).toBeDefined();
  });

  it('an account selects only its own deliveries of a replay that an operator started', async () => {
    const [one, two] = [await subscribed(), await subscribed()];
    await failMany(one, 3);
    await failMany(two, 2);
    const { ended } = await run({ accountId: null });
    const ofReplayId = ended?.id ?? '';
    ledger.results.push(...Array<PostResult>(5).fill(GONE as PostResult));
    await deliver();
    ledger.results.length = 0;
    for (const { key } of [one, two]) await resumeSubscription(ledger, key);
    const wanted = { ofReplayId, isDryRun: true };
    expect(await askFor(of(one.accountId, wanted))).toMatchObject({ matched: 3 });
    expect(await askFor({ accountId: null, ...wanted })).toMatchObject({ matched: 5, accountCount: 2 });
  });

  it('searches payloads for a text in steps of a few hundred, and also sends matches that the preview did not reach', async () => {
    const subscription = await subscribed();
    const { accountId } = subscription;
    await failMany(subscription, 2_600);
    const rows = await deliveries({ accountId });
    const named = [rows[0], rows[501], rows[2_599]].map((row) => row?.eventId ?? '');
    await ledger.db.pool.query('UPDATE events SET body = $2 WHERE id = ANY ($1::uuid[])', [
      named,
      Buffer.from('{"event":"message:created","payload":{"name":"Grüße"}}'),
    ]);
    const preview = await askFor(of(accountId, { q: 'Grüße', isDryRun: true }));
    expect(preview).toMatchObject({ matched: 2, hasMore: true });
    const started = await askFor(of(accountId, { q: 'Grüße' }));
    const replayId = started.outcome === 'started' ? started.replay.id : '';
    await advanceToTheEnd(1);
    const sent = await ledger.db.prisma.delivery.findMany({ where: { replayId } });
    expect(sent.map(({ eventId }) => eventId).toSorted()).toEqual(named.toSorted());
    const id = await askFor(of(accountId, { q: toTypeId('dlv', rows[7]?.id ?? ''), isDryRun: true }));
    expect(id).toMatchObject({ matched: 1, hasMore: false });
    const event = await askFor(of(accountId, { q: toTypeId('evt', rows[7]?.eventId ?? ''), isDryRun: true }));
    expect(event).toMatchObject({ matched: 1, hasMore: false });
  });

  it('searches the payloads of missed events for a text', async () => {
    const accountId = await ledger.account();
    await publishUnheard(accountId, 3);
    const { id: subscriptionId } = await ledger.activeSubscription(accountId);
    const event = await ledger.db.prisma.event.findFirstOrThrow({ where: { accountId } });
    await ledger.db.pool.query('UPDATE events SET body = $2 WHERE id = $1', [event.id, Buffer.from('{"a":"needle"}')]);
    const missed = { accountId, subscriptionId, which: 'missed' as const };
    expect(await count({ ...missed, q: 'needle' })).toBe(1);
    expect(await count({ ...missed, q: toTypeId('evt', event.id) })).toBe(1);
    await replay({ ...missed, q: 'needle' });
    expect((await deliveries({ accountId })).map(({ eventId }) => eventId)).toEqual([event.id]);
  });

  it('sends one event to chosen subscriptions, again or for the first time, even while another replay runs', async () => {
    const accountId = await ledger.account();
    const had = await ledger.activeSubscription(accountId);
    const eventId = await ledger.publish(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    await ledger.work();
    const [added, other] = [await ledger.activeSubscription(accountId), await ledger.activeSubscription(accountId)];
    const running = await askFor(of(accountId));
    expect(running.outcome).toBe('started');
    const again = await askFor(
      of(accountId, { eventId, statuses: ['failed', 'canceled', 'succeeded'], subscriptionIds: [had.id] }),
    );
    const first = await askFor(of(accountId, { eventId, which: 'missed', subscriptionIds: [added.id] }));
    expect([again, first]).toMatchObject([{ replay: { matched: 1 } }, { replay: { matched: 1 } }]);
    await advanceToTheEnd();
    ledger.posts.length = 0;
    await deliver();
    expect(ledger.posts.map(({ webhookId }) => webhookId)).toEqual(Array(2).fill(toTypeId('evt', eventId)));
    const states = await deliveries({ accountId, eventId });
    expect(states.map((one) => one.subscriptionId).toSorted()).toEqual([had.id, added.id].toSorted());
    expect(states.some((one) => one.subscriptionId === other.id)).toBe(false);
    const unknown = await askFor(of(accountId, { eventId: had.id }));
    expect(unknown).toEqual({ outcome: 'unknown', what: 'event', id: had.id });
  });

  it('sends each delivery of all or some accounts once, the accounts in turn', async () => {
    const accounts = [];
    for (let n = 0; n < 5; n += 1) accounts.push(await subscribed());
    for (const [index, one] of accounts.entries()) if (index !== 3) await failMany(one, 4);
    const [first, second] = accounts;
    const some = await run({ accountId: null, accountIds: [first?.accountId ?? '', second?.accountId ?? ''] });
    expect(some.counted).toMatchObject({ matched: 8, accountCount: 2 });
    const all = await run({ accountId: null });
    expect(all.ended).toMatchObject({ accountId: null, status: 'delivering', queued: 8 });
    expect(new Set(all.sent.map(({ accountId }) => accountId)).size).toBe(2);
    ledger.posts.length = 0;
    await deliver();
    expect(ledger.posts).toHaveLength(16);
    const nobody = await askFor({ accountId: null, accountIds: ['nobody'] });
    expect(nobody).toEqual({ outcome: 'unknown', what: 'account', id: 'nobody' });
  });

  it('sends each event that subscriptions of any account missed once', async () => {
    const accounts = [await ledger.account(), await ledger.account()];
    for (const accountId of accounts) {
      await publishUnheard(accountId, 5);
      await ledger.activeSubscription(accountId);
      await ledger.activeSubscription(accountId);
    }
    const started = await askFor({ accountId: null, which: 'missed' });
    const replayId = started.outcome === 'started' ? started.replay.id : '';
    await advanceToTheEnd(3);
    const sent = await ledger.db.prisma.delivery.findMany({ where: { replayId } });
    expect(new Set(sent.map(({ eventId, subscriptionId }) => `${eventId} ${subscriptionId}`)).size).toBe(20);
    expect(sent).toHaveLength(20);
  });

  it.each(['failed', 'missed'] as const)(
    'overlapping replays (%s) of operators and an account, advanced by two at once: each is sent once',
    async (which) => {
      const subscription = await subscribed();
      const { accountId } = subscription;
      if (which === 'failed') await failMany(subscription, 200);
      else await publishUnheard(accountId, 200);
      const comebacks = await noteComebacks();
      await askFor({ accountId: null, which });
      await askFor(of(accountId, { which }));
      const other = openDatabase({ url: databaseUrl, applicationName: 'other', maxConnections: 5, log: silent });
      await Promise.all(
        [ledger.db, other].map(async (db) => {
          while (await isRunning()) await advanceReplays(db, { atOnce: 7 });
        }),
      );
      await other.close();
      const back = await comebacks();
      expect([back.length, new Set(back).size]).toEqual([200, 200]);
    },
  );

  it('a replay of operators shows its progress by account, also when one of them is erased', async () => {
    const [one, two] = [await subscribed(), await subscribed()];
    await failMany(one, 5);
    await failMany(two, 3);
    const started = await askFor({ accountId: null });
    const replayId = started.outcome === 'started' ? started.replay.id : '';
    const read = async (afterAccountId = '', limit = 10) => {
      const found = await findReplay(ledger.db, { accountId: null, id: replayId });
      if (!found) throw new Error('no replay');
      return listReplayAccounts(ledger.db.pool, { replay: found, afterAccountId, limit });
    };
    const [first, last] = [one, two].toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1));
    const manyOf = (accountId = '') => (accountId === one.accountId ? 5 : 3);
    await advanceToTheEnd(2);
    const queued = (accountId = '') => ({
      accountId,
      queued: manyOf(accountId),
      delivered: 0,
      failed: 0,
      pending: manyOf(accountId),
    });
    expect(await read()).toEqual([queued(first?.accountId), queued(last?.accountId)]);
    expect(await read(first?.accountId, 1)).toEqual([queued(last?.accountId)]);
    ledger.results.push(...Array<PostResult>(1).fill(GONE as PostResult));
    await deliver();
    ledger.results.length = 0;
    const before = await read(); // counted now
    await tally();
    const all = await findReplay(ledger.db, { accountId: null, id: replayId });
    expect(all?.status).toBe('completed');
    const ended = await read(); // as tallied
    expect(before).toEqual(ended);
    for (const name of ['queued', 'delivered', 'failed', 'pending'] as const)
      expect(ended.reduce((sum, row) => sum + row[name], 0)).toBe(all?.[name]);
    expect(ended.map(({ delivered, failed }) => delivered + failed)).toEqual(ended.map((row) => row.queued));
    expect(ended.some(({ failed }) => failed > 0)).toBe(true);
    await deleteAccount(ledger, { id: one.accountId });
    await ledger.erase();
    expect((await read()).map(({ accountId }) => accountId)).toEqual([two.accountId]);
  });

  it('continues for the other accounts if one is deleted during a replay of all accounts', async () => {
    const [one, two] = [await subscribed(), await subscribed()];
    await failMany(one, 3);
    await failMany(two, 3);
    const started = await askFor({ accountId: null });
    await deleteAccount(ledger, { id: one.accountId });
    await advanceToTheEnd();
    const replayId = started.outcome === 'started' ? started.replay.id : '';
    const sent = await ledger.db.prisma.delivery.findMany({ where: { replayId } });
    expect(sent.map(({ accountId }) => accountId)).toEqual(Array(3).fill(two.accountId));
    await ledger.erase();
  });

  it('regression: waits for an account that another transaction locks', async () => {
    const subscription = await subscribed();
    await failMany(subscription, 3);
    await askFor({ accountId: subscription.accountId });
    const locking = await ledger.db.pool.connect();
    try {
      await locking.query('BEGIN');
      await locking.query('SELECT FROM accounts WHERE id = $1 FOR UPDATE', [subscription.accountId]);
      expect(await advanceReplays(ledger.db, { atOnce: 500 })).toBe(0);
      expect(await isRunning()).toBe(true);
    } finally {
      await locking.query('COMMIT');
      locking.release();
    }
    expect(await advanceReplays(ledger.db, { atOnce: 500 })).toBe(3);
    await advanceToTheEnd();
  });

  it('a preview counts up to 10,000, and says when there is more', async () => {
    const subscription = await subscribed();
    await failMany(subscription, 10_001);
    const counted = await askFor(of(subscription.accountId, { isDryRun: true }));
    expect(counted).toMatchObject({ matched: 10_000, hasMore: true });
  });

  it(`at most ${MAX_RUNNING} replays of an account run at once`, async () => {
    const { accountId } = await subscribed();
    const eventId = await ledger.publish(accountId);
    await ledger.publisher.drain();
    const results: string[] = [];
    for (let n = 0; n <= MAX_RUNNING; n += 1) results.push((await askFor(of(accountId, { eventId }))).outcome);
    expect(results).toEqual([...Array(MAX_RUNNING).fill('started'), 'running']);
    await advanceToTheEnd();
  });
});

describe('advancing', () => {
  /** Runs a step while `statement` has locked a delivery; the step waits for its commit. Returns how many it replayed. */
  async function advanceDuring(statement: string, id = ''): Promise<number> {
    const recorder = new pg.Client(databaseUrl);
    await recorder.connect();
    await recorder.query('BEGIN');
    await recorder.query(statement, [id]);
    const advancing = advanceReplays(ledger.db, { atOnce: 4 });
    await waitFor(() => isWaitingForLock(recorder));
    await recorder.query('COMMIT');
    await recorder.end();
    return advancing;
  }

  it('makes a step of each running replay and reports each', async () => {
    const [one, two] = [await subscribed(), await subscribed()];
    await failMany(one, 10);
    await publishUnheard(two.accountId, 10);
    await start(one);
    await start({ accountId: two.accountId, subscriptionId: two.subscriptionId, which: 'missed' });
    const observed: unknown[] = [];
    expect(await advanceReplays(ledger.db, { atOnce: 4, observe: (step) => observed.push(step) })).toBe(8);
    expect(observed).toEqual([
      { which: 'failed', count: 4 },
      { which: 'missed', count: 4 },
    ]);
    expect(await deliveries({ accountId: one.accountId })).toHaveLength(10);
    await advanceToTheEnd();
  });

  it.each(['failed', 'missed'] as const)(
    'a crash between a step (%s) and its commit loses and duplicates nothing',
    async (which) => {
      const subscription = await subscribed();
      const { accountId, subscriptionId } = subscription;
      if (which === 'failed') await failMany(subscription, 10);
      else await publishUnheard(accountId, 10);
      const comebacks = await noteComebacks();
      const id = await start({ accountId, subscriptionId, which });
      await advanceReplays(ledger.db, { atOnce: 4 });
      await expect(advanceReplays(dyingBeforeCommit(ledger.db, `replay-${which}`), { atOnce: 4 })).rejects.toThrow(
        'died',
      );
      expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
        status: 'running',
        queued: 4,
        pending: 4,
      });
      await advanceToTheEnd(4);
      expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
        status: 'delivering',
        queued: 10,
        pending: 10,
      });
      const back = await comebacks();
      expect([back.length, new Set(back).size]).toEqual([10, 10]);
    },
  );

  it('throws the error of one replay and still advances the others', async () => {
    const [one, two] = [await subscribed(), await subscribed()];
    await failMany(one, 3);
    await publishUnheard(two.accountId, 3);
    await start(one);
    const other = await start({ accountId: two.accountId, subscriptionId: two.subscriptionId, which: 'missed' });
    await expect(advanceReplays(dyingBeforeCommit(ledger.db, 'replay-failed'), { atOnce: 4 })).rejects.toThrow('died');
    expect(await findReplay(ledger.db, { accountId: two.accountId, id: other })).toMatchObject({
      status: 'delivering',
    });
    await advanceToTheEnd();
  });

  // As the statements of a result do: of an attempt in flight when its delivery was canceled, and of a requested one.
  it.each([
    ['in place', false, `UPDATE finished_deliveries SET status = 'succeeded' WHERE id = $1`],
    [
      'by moving it to finished_deliveries',
      true,
      `WITH leaving AS (DELETE FROM pending_deliveries WHERE id = $1 RETURNING *)
       INSERT INTO finished_deliveries (${COLUMNS})
       SELECT ${COLUMNS.replace(/\bstatus\b/, `'succeeded'`)} FROM leaving`,
    ],
  ])('keeps a result that is recorded while the step waits for it: %s', async (_, isRequested, record) => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 2);
    const [first] = await deliveries({ accountId });
    const id = await start({ accountId, subscriptionId });
    if (isRequested) await requestRetry(ledger, { accountId, id: first?.id ?? '' });
    expect(await advanceDuring(record, first?.id)).toBe(1);
    expect((await deliveries({ accountId })).map(({ status }) => status)).toEqual(['succeeded', 'pending']);
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({
      status: 'delivering',
      matched: 2,
      queued: 1,
    });
  });

  it('replays a delivery that fails again while the step waits for it', async () => {
    const { accountId, subscriptionId } = await subscribed();
    await failMany({ accountId, subscriptionId }, 1);
    const [failed] = await deliveries({ accountId });
    await requestRetry(ledger, { accountId, id: failed?.id ?? '' });
    const id = await start({ accountId, subscriptionId });
    const moved = `WITH leaving AS (DELETE FROM pending_deliveries WHERE id = $1 RETURNING *)
      INSERT INTO finished_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM leaving`;
    expect(await advanceDuring(moved, failed?.id)).toBe(1);
    expect(await deliveries({ accountId })).toMatchObject([{ status: 'pending', requestedTrigger: 'replay' }]);
    expect(await findReplay(ledger.db, { accountId, id })).toMatchObject({ status: 'delivering', queued: 1 });
  });

  it.each([
    ['the last failure of its schedule', FAILED, { status: 'pending', statusReason: null }],
    ['a failure', { ...FAILED, waitsMs: [60_000] }, { status: 'pending', statusReason: null }],
    ['a 410', GONE, { status: 'failed', statusReason: 'gone' }],
  ])(
    'regression: a result of an attempt before the replay keeps the replay’s schedule and drops no request: %s',
    async (_, { waitsMs = [], ...result }: Partial<PostResult> & { waitsMs?: number[] }, after) => {
      const { accountId, subscriptionId, key } = await subscribed();
      await ledger.publish(accountId);
      await ledger.publisher.drain();
      const [job] = ledger.jobs.splice(0);
      let release = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      ledger.results.push(() => released.then(() => result));
      const attempting = ledger.attempter({ waitsMs }).attempt(job ?? { id: '', attemptNumber: 1 }, signal);
      await waitFor(() => ledger.posts.length === 1);
      await disableSubscription(ledger, key);
      await resumeSubscription(ledger, key);
      await replay({ accountId, subscriptionId });
      release();
      expect(await attempting).toMatchObject({ end: 'attempted' });
      expect(await deliveries({ accountId })).toMatchObject([{ ...after, attemptCount: 1, failureCount: 0 }]);

      ledger.results.length = 0;
      await deliver();
      const [settled] = await deliveries({ accountId });
      expect(settled?.status).toBe(after.status === 'pending' ? 'succeeded' : 'failed');
      expect(settled).toMatchObject({ requestedTrigger: null, leasedUntil: null });
    },
  );

  it('two processes replay 1,000 deliveries in small steps, each exactly once', async () => {
    const subscription = await subscribed();
    await failMany(subscription, 1_000);
    const comebacks = await noteComebacks();
    const id = await start(subscription);
    const other = openDatabase({ url: databaseUrl, applicationName: 'other', maxConnections: 5, log: silent });
    const brought = await Promise.all(
      [ledger.db, other].map(async (db) => {
        let total = 0;
        while (await isRunning()) total += await advanceReplays(db, { atOnce: 25 });
        return total;
      }),
    );
    await other.close();
    expect((brought[0] ?? 0) + (brought[1] ?? 0)).toBe(1_000);
    expect(await findReplay(ledger.db, { accountId: subscription.accountId, id })).toMatchObject({ queued: 1_000 });
    const back = await comebacks();
    expect([back.length, new Set(back).size]).toEqual([1_000, 1_000]);
  });
});

/** A database on whose connections the process crashes right after this statement. */
function dyingBeforeCommit(db: Database, statement: string): Database {
  const pool = new Proxy(db.pool, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'connect') return typeof value === 'function' ? value.bind(target) : value;
      return async () => {
        const client = await target.connect();
        return new Proxy(client, {
          get(connection, method) {
            const own: unknown = Reflect.get(connection, method);
            if (method !== 'query') return typeof own === 'function' ? own.bind(connection) : own;
            return async (query: string | { name: string }, values?: unknown[]) => {
              const result: unknown = await connection.query(query as string, values);
              if (typeof query !== 'string' && query.name === statement) throw new Error('died');
              return result;
            };
          },
        });
      };
    },
  });
  return { ...db, pool };
}
