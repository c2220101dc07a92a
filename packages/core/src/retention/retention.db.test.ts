import { randomUUID } from 'node:crypto';
import { waitFor } from '@posthorn/testing';
import { v7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isTransient } from '../database-away.js';
import { requestRetry } from '../deliver/request-retry.js';
import { loadDeliveries } from '../deliver/load-deliveries.js';
import { giveUpErased } from '../deliver/give-up-erased.js';
import { COLUMNS } from '../delivery-tables.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { insertEvents } from '../publish/insert-events.js';
import { SHARDS } from '../shards.js';
import { leaseDue } from '../dispatch/lease-due.js';
import { dispatch } from '../dispatch/dispatch.js';
import { type Ledger, openLedger, silent } from '../ledger.test-support.js';
import { replayOf } from '../replays/replay-of.test-support.js';
import { startReplay } from '../replays/start-replay.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { requestVerification } from '../subscriptions/request-verification.js';
import { dropOldKeys } from './drop-old-keys.js';
import { openRetention } from './open-retention.js';
import {
  firstIdAt,
  MOVED_AT_ONCE,
  PARTITIONED,
  type Partitioned,
  readAheadSeconds,
  readPartitions,
} from './partitions.js';

const DAY_MS = 86_400_000;
let ledger: Ledger;
let accountId: string;
let subscriptionId: string;
beforeEach(async () => {
  ledger = await openLedger();
  accountId = await ledger.account();
  subscriptionId = (await ledger.activeSubscription(accountId)).id;
});
afterEach(() => ledger.close());

const day = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const retention = (at: Date, payloadRetentionDays: number | null = null) =>
  openRetention({ db: ledger.db, retentionDays: 30, payloadRetentionDays, log: silent, now: () => at });
const retain = (at: Date, payloadRetentionDays: number | null = null) =>
  retention(at, payloadRetentionDays).run(new AbortController().signal);
const partitions = async (table: Partitioned = 'events') => {
  const client = await ledger.db.pool.connect();
  return readPartitions(client, table).finally(() => client.release());
};
/** Returns the partitions that contain the rows of a table, in the order of their ids. */
const partitionsOfRows = async (table: Partitioned): Promise<string[]> => {
  const { rows } = await ledger.db.pool.query<{ partition: string }>(
    `SELECT tableoid::regclass::text AS partition FROM ${table} ORDER BY id`,
  );
  return rows.map(({ partition }) => partition);
};
/** The metric: how far ahead the partitions have no gap. */
const daysAhead = async () => {
  const client = await ledger.db.pool.connect();
  return (await readAheadSeconds(client).finally(() => client.release())) / 86_400;
};
/** Makes Postgres' estimate for dropped partitions exact. */
const analyze = () => ledger.db.pool.query('ANALYZE finished_deliveries');
/** Cancels all pending deliveries. */
const cancelAll = () =>
  ledger.db.pool.query(
    `WITH leaving AS (DELETE FROM pending_deliveries RETURNING *), canceled AS (
       SELECT (jsonb_populate_record(NULL::finished_deliveries, to_jsonb(l) || jsonb_build_object('status', 'canceled', 'completed_at', now()))).*
       FROM leaving l
     )
     INSERT INTO finished_deliveries (${COLUMNS}) SELECT ${COLUMNS} FROM canceled`,
  );

interface Aged {
  status?: 'pending' | 'held' | 'succeeded' | 'failed' | 'canceled';
  asked?: boolean;
  /** When the delivery was created, if not with the event. */
  deliveredAt?: Date;
  attempts?: number;
}
/** Inserts an event of that time with one delivery and its attempts. Returns the delivery's id. */
async function aged(
  at: Date,
  { status = 'succeeded', asked = false, deliveredAt = at, attempts = 1 }: Aged = {},
): Promise<string> {
  const eventId = v7({ msecs: at.getTime() });
  const deliveryId = eventId.slice(0, 18) + randomUUID().slice(18);
  const body = Buffer.from(`{"event":"message:created","payload":{"of":"${deliveryId}"}}`);
  await ledger.db.prisma.event.create({
    data: { id: eventId, accountId, type: 'message:created', body, deliveryCount: 1, createdAt: at },
  });
  const now = new Date();
  const delivery = {
    id: deliveryId,
    accountId,
    eventId,
    eventType: 'message:created',
    subscriptionId,
    status,
    attemptCount: attempts,
    failureCount: 0,
    createdAt: deliveredAt,
  };
  const details = (number: number) => ({
    url: 'https://hooks.example.com/webhook',
    responseBody: Buffer.from('{"of":"a customer"}'),
    responseTruncated: false,
    id: v7({ msecs: deliveredAt.getTime() + number }),
  });
  const isFinished = status !== 'pending' && status !== 'held';
  const isLastWithDelivery = isFinished && !asked;
  if (isLastWithDelivery) {
    const { id: attemptId, ...last } = details(attempts);
    await ledger.db.prisma.finishedDelivery.create({
      data: {
        ...delivery,
        completedAt: deliveredAt,
        attemptId,
        isLate: false,
        lastTrigger: 'auto',
        lastOutcome: 'http_error',
        lastAttemptAt: deliveredAt,
        lastDurationMs: 1,
        ...last,
      },
    });
  } else {
    await ledger.db.prisma.pendingDelivery.create({
      data: {
        ...delivery,
        ...(status === 'pending' && { dueAt: now }),
        ...(asked && { requestedTrigger: 'manual', leasedUntil: now }),
        ...(isFinished && { completedAt: deliveredAt }),
      },
    });
  }
  for (let number = 1; number <= (isLastWithDelivery ? attempts - 1 : attempts); number += 1) {
    await ledger.db.prisma.earlierAttempt.create({
      data: {
        ...details(number),
        accountId,
        subscriptionId,
        deliveryId,
        number,
        trigger: 'auto',
        outcome: 'http_error',
        startedAt: deliveredAt,
        durationMs: 1,
      },
    });
  }
  return deliveryId;
}
const present = async (id: string) => (await ledger.db.prisma.delivery.count({ where: { id } })) === 1;
const payloadsSent = () =>
  ledger.posts.map(({ body }) => (JSON.parse(Buffer.from(body).toString()) as { payload: { of: string } }).payload.of);

function watched<T>(work: Promise<T>): { isRunning: boolean; ended: Promise<T> } {
  const round = { isRunning: true, ended: work };
  round.ended = work.finally(() => (round.isRunning = false));
  return round;
}

/** Rows of a kilobyte each: more than the 8 MB of a large default partition (add-partitions.ts). */
const SOME = 12_000;
/** Inserts wide rows with keys from `ids`. */
const INSERT_ROWS: Record<Partitioned, string> = {
  events: `INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
     SELECT id, $1, 'message:created', repeat('.', 1000)::bytea, 1, now() FROM ids WHERE $2::uuid IS NOT NULL`,
  finished_deliveries: `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count,
       failure_count, created_at, completed_at, url)
     SELECT id, $1, id, 'message:created', $2, 'succeeded', 0, 0, now(), now(), repeat('.', 1000) FROM ids`,
  earlier_attempts: `INSERT INTO earlier_attempts (id, delivery_id, account_id, subscription_id, number, trigger, outcome, started_at,
       duration_ms, response_truncated, url)
     SELECT id, id, $1, $2, 1, 'auto', 'http_error', now(), 1, false, repeat('.', 1000) FROM ids`,
};
/** Inserts rows of that time. */
async function insertRows(table: Partitioned, { at, count }: { at: Date; count: number }): Promise<void> {
  await ledger.db.pool.query(
    `WITH ids AS (
       SELECT (left(posthorn_uuid_at($3::timestamptz)::text, 18) || right(gen_random_uuid()::text, 18))::uuid AS id
       FROM generate_series(1, $4)
     ) ${INSERT_ROWS[table]}`,
    [accountId, subscriptionId, at, count],
  );
}
/** Inserts an event with an id of that time, as an API with such a clock does. */
const insertEvent = (at: Date) => {
  const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
  if (!frozen.ok) throw new Error(frozen.message);
  const event = { id: v7({ msecs: at.getTime() }), accountId, frozen: frozen.frozen };
  return insertEvents(ledger.db.pool, [{ ...event, createdAt: new Date(), idempotency: null }]);
};

describe('retention', () => {
  // Before the first partition ends, in a partition of its own, and where no partition ever was.
  it.each([
    ['the first partition', -1, 40],
    ['a partition of its own', 4, 60],
    ['no partition', 300, 400],
  ])('in %s: finished rows are deleted, pending deliveries stay and are delivered', async (_, at, later) => {
    await retain(day(0));
    const settled = await Promise.all(
      (['succeeded', 'failed', 'canceled'] as const).map((status) => aged(day(at), { status })),
    );
    const pending = await aged(day(at), { status: 'pending' });
    const held = await aged(day(at), { status: 'held', attempts: 2 });
    const asked = await aged(day(at), { status: 'failed', asked: true });
    await analyze();
    const gone = await retain(day(later));
    expect(gone).toMatchObject({ finished_deliveries: 3 });
    expect(await Promise.all(settled.map(present))).toEqual([false, false, false]);
    expect(await ledger.counts()).toMatchObject({ events: 3, deliveries: 3, attempts: 4 });

    await pauseSubscription(ledger, { accountId, id: subscriptionId });
    await resumeSubscription(ledger, { accountId, id: subscriptionId });
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = CASE WHEN due_at IS NOT NULL THEN now() END, leased_until = now()
       WHERE due_at IS NOT NULL OR leased_until IS NOT NULL`,
    );
    await dispatch(ledger);
    await ledger.work();
    expect(payloadsSent().toSorted()).toEqual([pending, held, asked].toSorted());
    await retain(day(later));
    expect(await ledger.counts()).toMatchObject({ events: 0, deliveries: 0 });
  });

  it('deletes deliveries by age, to the millisecond', async () => {
    const at = day(31);
    const [kept, dropped] = [
      await aged(new Date(at.getTime() - 30 * DAY_MS)),
      await aged(new Date(at.getTime() - 30 * DAY_MS - 1)),
    ];
    await retain(at);
    expect([await present(kept), await present(dropped)]).toEqual([true, false]);
  });

  it('drops a partition when its last moment is old enough, and not before', async () => {
    await retain(day(0));
    const [, second] = await partitions();
    if (!second) throw new Error('there is no second partition');
    const until = Number.parseInt(second.until.slice(0, 8) + second.until.slice(9, 13), 16);
    await retain(new Date(until + 30 * DAY_MS - 1));
    expect((await partitions()).map(({ name }) => name)).toContain(second.name);
    await retain(new Date(until + 30 * DAY_MS));
    expect((await partitions()).map(({ name }) => name)).not.toContain(second.name);
  });

  it('partitions are few, without gaps and created ahead of time', async () => {
    for (let days = 0; days <= 70; days += 1) await retain(day(days));
    for (const table of PARTITIONED) {
      const made = await partitions(table);
      expect(made.length).toBeLessThanOrEqual(10);
      expect(made.slice(1).map(({ from }) => from)).toEqual(made.slice(0, -1).map(({ until }) => until));
    }
    await aged(day(73), { attempts: 2 });
    for (const table of PARTITIONED) expect((await partitionsOfRows(table)).at(-1)).toMatch(/_\d{8}$/);
  });

  it.each([2, 30, 400])(
    'creates partitions a month ahead, so a month without workers leaves no gap: retention of %i days',
    async (retentionDays) => {
      const at = day(0);
      const runAt = (now: Date) =>
        openRetention({ db: ledger.db, retentionDays, payloadRetentionDays: null, log: silent, now: () => now }).run(
          new AbortController().signal,
        );
      await runAt(at);
      const month = new Date(at.getTime() + 30 * DAY_MS);
      await aged(new Date(month.getTime() - 2), { attempts: 2 });
      for (const table of PARTITIONED) expect((await partitionsOfRows(table)).at(-1)).toMatch(/_\d{8}$/);
      await runAt(month);
      for (const table of PARTITIONED) {
        const made = await partitions(table);
        expect(made.slice(1).map(({ from }) => from)).toEqual(made.slice(0, -1).map(({ until }) => until));
        expect((made.at(-1)?.until ?? '') >= firstIdAt(month.getTime() + 30 * DAY_MS)).toBe(true);
      }
    },
  );

  it('skips a partition, with a warning, if more of its rows arrived early than can be moved; creates later ones and deletes the rows by age', async () => {
    expect(await daysAhead()).toBeLessThan(3);
    await retain(day(0));
    expect(await daysAhead()).toBeGreaterThan(29);
    const early = MOVED_AT_ONCE + 1;
    await insertRows('finished_deliveries', { at: day(50), count: early });
    const warned: unknown[][] = [];
    const log = { ...silent, warn: (...words: unknown[]) => void warned.push(words) };
    const run = (at: Date) =>
      openRetention({ db: ledger.db, retentionDays: 30, payloadRetentionDays: null, log, now: () => at }).run(
        new AbortController().signal,
      );
    await run(day(35));
    const [leftOut, ...others] = (await partitions('events')).filter(({ until }) => until > firstIdAt(day(50)));
    const name = leftOut?.name.replace('events', 'finished_deliveries');
    expect(warned).toEqual([[{ partition: name }, 'retention.left_out']]);
    expect(others).not.toEqual([]);
    const made = (await partitions('finished_deliveries')).map((partition) => partition.name);
    expect(made).not.toContain(name);
    expect(made).toEqual(
      expect.arrayContaining(others.map((partition) => partition.name.replace('events', 'finished_deliveries'))),
    );
    expect(new Set(await partitionsOfRows('finished_deliveries'))).toEqual(new Set(['finished_deliveries_other']));
    expect(await daysAhead()).toBeLessThan(50); // the gap shows
    expect(await run(day(79))).toMatchObject({ finished_deliveries: 0 });
    expect(await run(day(81))).toMatchObject({ finished_deliveries: early });
    expect(await ledger.counts()).toMatchObject({ deliveries: 0 });
  });

  it('a delivery created later than its event has the same age; both stay while it is pending', async () => {
    await retain(day(0));
    const unfinished = await aged(day(4), { deliveredAt: day(50), status: 'pending' });
    const settled = await aged(day(4), { deliveredAt: day(50) });
    await retain(day(60));
    expect([await present(unfinished), await present(settled)]).toEqual([true, false]);
    expect(await ledger.counts()).toMatchObject({ events: 1, deliveries: 1 });
    await cancelAll();
    await retain(day(60));
    expect(await present(unfinished)).toBe(false);
    expect(await ledger.counts()).toMatchObject({ events: 0, deliveries: 0 });
  });

  it('an event whose deliveries were deleted is not missed: no replay sends it again', async () => {
    await aged(day(0));
    const wanted = replayOf({
      accountId,
      subscriptionId,
      which: 'missed',
      since: day(-1),
      until: day(1),
      isDryRun: true,
    });
    await ledger.db.pool.query('DELETE FROM finished_deliveries'); // as retention does, days before the partition of the event
    expect(await startReplay(ledger, wanted)).toMatchObject({ outcome: 'counted', matched: 0 });
    await ledger.db.pool.query('UPDATE events SET delivery_count = 0');
    expect(await startReplay(ledger, wanted)).toMatchObject({ outcome: 'counted', matched: 1 });
    await ledger.db.pool.query(`UPDATE events SET body = ''`);
    expect(await startReplay(ledger, wanted)).toMatchObject({ outcome: 'counted', matched: 0 });
  });

  it('does not block dispatchers', async () => {
    let leased: Promise<unknown> | undefined;
    const round = openRetention({
      db: ledger.db,
      retentionDays: 30,
      payloadRetentionDays: null,
      log: silent,
      now: () => day(40),
      observe: () => {
        leased ??= leaseDue(ledger.db.pool, { perSubscription: 1, limit: 1, shards: SHARDS });
      },
    });
    await aged(day(0));
    const pending = await aged(day(0), { status: 'pending' });
    await analyze();
    await round.run(new AbortController().signal);
    expect(JSON.stringify(await leased)).toContain(pending);
  });

  it('with more pending deliveries than can be moved, it deletes single rows, and drops the partition when they have finished', async () => {
    await retain(day(0));
    const settled = await aged(day(4));
    const [partition] = await partitionsOfRows('events');
    await ledger.db.pool.query(
      `WITH e AS (
         INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
         SELECT (left(posthorn_uuid_at($3::timestamptz + n * interval '1 ms')::text, 14) || right(gen_random_uuid()::text, 22))::uuid,
           $1, 'message:created', '{}', 1, $3
         FROM generate_series(1, $4) n RETURNING id, account_id, type
       )
       INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status)
       SELECT posthorn_delivery_id(id), account_id, id, type, $2, 'held' FROM e`,
      [accountId, subscriptionId, day(4), MOVED_AT_ONCE + 1],
    );
    await retain(day(60));
    expect((await partitions()).map(({ name }) => name)).toContain(partition);
    expect(await present(settled)).toBe(false);
    expect(await ledger.counts()).toMatchObject({ events: MOVED_AT_ONCE + 1, deliveries: MOVED_AT_ONCE + 1 });
    await cancelAll();
    await retain(day(60));
    expect((await partitions()).map(({ name }) => name)).not.toContain(partition);
    expect(await ledger.counts()).toMatchObject({ events: 0, deliveries: 0 });
  });

  it('a long reader does not stop publishing while retention waits for its lock; the partition is dropped afterwards', async () => {
    await retain(day(0));
    await aged(day(4));
    const [partition] = await partitionsOfRows('events');
    const reader = await ledger.db.pool.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM events');
    const round = watched(retain(day(60)));
    // The reader holds its lock beyond the round: a publish that waited for it would never return.
    let published = 0;
    for (; round.isRunning; published += 1) await ledger.publish(accountId);
    await round.ended;
    expect(published).toBeGreaterThan(0);
    expect((await partitions()).map(({ name }) => name)).toContain(partition);
    await reader.query('COMMIT');
    reader.release();
    await retain(day(60));
    expect((await partitions()).map(({ name }) => name)).not.toContain(partition);
  });

  it('blocks nobody while a vacuum of the default partition delays it', async () => {
    const vacuum = await ledger.db.pool.connect();
    await vacuum.query('BEGIN; LOCK TABLE events_other IN SHARE UPDATE EXCLUSIVE MODE'); // the lock of VACUUM
    const round = watched(retain(day(0)));
    const waiting = async () => {
      const { rows } = await vacuum.query<{ mode: string }>(
        `SELECT mode FROM pg_locks WHERE relation = 'events_other'::regclass AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return rows.map(({ mode }) => mode);
    };
    const modes = await waitFor(async () => ((await waiting()).length > 0 ? waiting() : null));
    expect(modes.filter((mode) => mode !== 'ShareUpdateExclusiveLock')).toEqual([]);
    expect(await insertEvent(day(4_000))).toMatchObject([{ accepted: true }]);
    await vacuum.query('COMMIT');
    vacuum.release();
    await round.ended;
    await retain(day(0)); // if it gave up
    expect((await partitions()).length).toBeGreaterThan(1);
  });

  it('pending deliveries can be found at every moment, even while their partition is dropped', async () => {
    await retain(day(0));
    const unfinished = await aged(day(4), { status: 'held' });
    for (let n = 0; n < 20; n += 1) await aged(day(4));
    await analyze();
    const round = watched(retain(day(60)));
    const found = new Set<string | undefined>();
    while (round.isRunning) {
      const [delivery] = await loadDeliveries(ledger.db.pool, [unfinished]);
      found.add(delivery ? Buffer.from(delivery.body).toString() : undefined);
    }
    expect(await round.ended).toMatchObject({ finished_deliveries: 20 });
    expect([...found]).toEqual([`{"event":"message:created","payload":{"of":"${unfinished}"}}`]);
  });

  it('of two concurrent runs one works and the other does nothing', async () => {
    for (let n = 0; n < 20; n += 1) await aged(day(-1));
    const results = await Promise.all([retain(day(40)), retain(day(40))]);
    expect(results.filter((result) => result === null)).toHaveLength(1);
    expect(await ledger.counts()).toMatchObject({ events: 0, deliveries: 0, attempts: 0 });
  });

  it('a crash while dropping a partition leaves it complete, and the next round drops it', async () => {
    await retain(day(0));
    const [settled, unfinished] = [await aged(day(4)), await aged(day(4), { status: 'held' })];
    await ledger.db.pool.query(
      `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
       CREATE TRIGGER die BEFORE INSERT ON events_other FOR EACH ROW EXECUTE FUNCTION die()`,
    );
    await expect(retain(day(60))).rejects.toThrow();
    await ledger.db.pool.query('DROP FUNCTION die CASCADE');
    expect([await present(settled), await present(unfinished)]).toEqual([false, true]);
    expect(await ledger.counts()).toMatchObject({ events: 2 });
    expect(await retain(day(60))).not.toBeNull();
    expect(await ledger.counts()).toMatchObject({ events: 1, deliveries: 1, attempts: 1 });
  });

  it('keeps an event and its payload while its fan-out expands', async () => {
    await retain(day(0));
    // In the first partition, in one that is dropped, and where no partition ever was.
    for (const at of [day(-40), day(4), day(45)]) await aged(at);
    await ledger.db.pool.query(
      `INSERT INTO fan_outs (event_id, account_id, event_type, expected, created_at) SELECT id, account_id, type, 1, created_at FROM events`,
    );
    await retain(day(120), 1);
    expect(await ledger.counts()).toMatchObject({ events: 3, deliveries: 0 });
    expect(await ledger.db.prisma.event.count({ where: { body: Buffer.alloc(0) } })).toBe(0);
    await ledger.db.prisma.fanOut.updateMany({ data: { completedAt: new Date() } });
    await retain(day(120), 1);
    expect(await ledger.counts()).toMatchObject({ events: 0 });
  });

  it('accepts and delivers an id of a clock that is far off; a partition that is created later takes it over', async () => {
    const inserted = (await Promise.all([-4_000, 45, 4_000].map((days) => insertEvent(day(days))))).flat();
    expect(inserted.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1, 1]);
    await retain(day(0));
    expect(await partitionsOfRows('events')).toEqual(['events_first', 'events_other', 'events_other']);
    await retain(day(20));
    expect(await partitionsOfRows('events')).toEqual([
      'events_first',
      expect.stringMatching(/^events_\d{8}$/),
      'events_other',
    ]);
    await ledger.db.pool.query('UPDATE pending_deliveries SET leased_until = NULL');
    await dispatch(ledger);
    await ledger.work();
    expect(await ledger.db.prisma.delivery.count({ where: { status: 'succeeded' } })).toBe(3);
    expect(await partitionsOfRows('finished_deliveries')).toEqual([
      'finished_deliveries_first',
      expect.stringMatching(/^finished_deliveries_\d{8}$/),
      'finished_deliveries_other',
    ]);
  });

  it('deletes idempotency keys after 24 hours, however many, and not earlier', async () => {
    await ledger.db.pool.query(
      `INSERT INTO idempotency_keys (account_id, key, event_id, body_hash, created_at)
       SELECT $1, 'k' || n, posthorn_uuidv7(), '', now() - make_interval(hours => CASE WHEN n > 1 THEN 25 ELSE 23 END) FROM generate_series(1, 12002) n`,
      [accountId],
    );
    expect(await retain(new Date())).toMatchObject({ idempotency_keys: 12_001 });
    expect(await ledger.db.prisma.idempotencyKey.findMany({ where: { accountId } })).toMatchObject([{ key: 'k1' }]);
  });

  it('stops between two steps of deleting idempotency keys', async () => {
    await ledger.db.pool.query(
      `INSERT INTO idempotency_keys (account_id, key, event_id, body_hash, created_at)
       SELECT $1, 'k' || n, posthorn_uuidv7(), '', now() - interval '25 hours' FROM generate_series(1, 12002) n`,
      [accountId],
    );
    const stopping = new AbortController();
    const client = await ledger.db.pool.connect();
    const deleted = dropOldKeys(client, new Date(), stopping.signal);
    stopping.abort();
    expect(await deleted.finally(() => client.release())).toBe(5_000);
  });

  it('deletes complete fan-outs after 25 hours, which a repeated publish may need before', async () => {
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    const fanOut = async (hours: number, completedAt: Date | null) => {
      const eventId = v7({ msecs: hoursAgo(hours).getTime() });
      const createdAt = hoursAgo(hours);
      await ledger.db.prisma.fanOut.create({
        data: { eventId, accountId, eventType: 'message:created', expected: 1, createdAt, completedAt },
      });
      return eventId;
    };
    const [young, expanding] = [await fanOut(24.5, new Date()), await fanOut(26, null)];
    await fanOut(26, new Date());
    expect(await retain(new Date())).toMatchObject({ fan_outs: 1 });
    const left = await ledger.db.prisma.fanOut.findMany({ orderBy: { eventId: 'desc' } });
    expect(left.map(({ eventId }) => eventId)).toEqual([young, expanding]);
  });

  it('deletes verifications that have ended and are not current', async () => {
    const { verificationId } = await ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
    await requestVerification(ledger, { accountId, id: subscriptionId });
    await ledger.work();
    await retain(day(29));
    expect(await ledger.counts()).toMatchObject({ verifications: 2, verification_attempts: 2 });
    await retain(day(40));
    const left = await ledger.db.prisma.verification.findMany();
    expect(left.map(({ id }) => id)).not.toContain(verificationId);
    expect(await ledger.counts()).toMatchObject({ verifications: 1, verification_attempts: 1 });
  });

  it('deletes audit log entries by their own age, and none by default', async () => {
    const entry = {
      actor: 'operator',
      action: 'accounts.put',
      targetType: 'account',
      requestId: 'x',
      address: '::1',
    } as const;
    await ledger.db.prisma.auditEntry.createMany({
      data: [0, 20].map((days) => ({ ...entry, id: v7({ msecs: day(days).getTime() }), targetId: String(days) })),
    });
    const options = { db: ledger.db, retentionDays: 2, payloadRetentionDays: null, log: silent, now: () => day(400) };
    const { signal } = new AbortController();
    expect(await openRetention(options).run(signal)).toMatchObject({ audit_entries: 0 });
    expect(await openRetention({ ...options, auditRetentionDays: 390 }).run(signal)).toMatchObject({
      audit_entries: 1,
    });
    const left = await ledger.db.prisma.auditEntry.findMany();
    expect(left.map(({ targetId }) => targetId)).toEqual(['20']);
  });

  it('erases payloads without pending deliveries earlier, if configured; a retry of an erased one is refused', async () => {
    const [settled, unfinished, young] = [
      await aged(day(0)),
      await aged(day(0), { status: 'held' }),
      await aged(day(5)),
    ];
    // This error quotes the response.
    await ledger.db.prisma.finishedDelivery.updateMany({
      where: { id: { in: [settled, young] } },
      data: { lastOutcome: 'bad_response', error: 'It begins with "{"of":"a customer"}".' },
    });
    await retain(day(8), 7);
    const sizes = async () => {
      const events = await ledger.db.prisma.event.findMany({ orderBy: { id: 'asc' } });
      return events.map(({ body }) => body.length > 0);
    };
    const attempts = await ledger.db.prisma.attempt.findMany({
      where: { accountId },
      orderBy: { id: 'asc' },
    });
    expect(await sizes()).toEqual([false, true, true]);
    expect(attempts.map(({ responseBody }) => responseBody !== null)).toEqual([false, false, true]);
    expect(attempts.map(({ error }) => error !== null)).toEqual([false, false, true]);
    expect(await requestRetry(ledger, { accountId, id: settled })).toMatchObject({ outcome: 'not_possible' });
    expect(await requestRetry(ledger, { accountId, id: unfinished })).toMatchObject({ outcome: 'requested' });
    expect(await requestRetry(ledger, { accountId, id: young })).toMatchObject({ outcome: 'requested' });

    await cancelAll();
    await retain(day(8), 7); // another process, or the next day
    expect(await sizes()).toEqual([false, false, true]);
  });

  it('drops a request whose payload is erased meanwhile, and nothing else', async () => {
    const [erased, whole] = [await aged(day(0), { status: 'pending' }), await aged(day(0), { status: 'pending' })];
    await ledger.db.pool.query(
      `UPDATE events SET body = '' WHERE id = (SELECT event_id FROM deliveries WHERE id = $1)`,
      [erased],
    );
    for (const id of [erased, whole]) await giveUpErased(ledger.db.pool, { id });
    expect(await ledger.db.prisma.delivery.findUnique({ where: { id: erased } })).toMatchObject({
      status: 'canceled',
      statusReason: 'payload_erased',
      leasedUntil: null,
    });
    expect(await ledger.db.prisma.delivery.findUnique({ where: { id: whole } })).toMatchObject({ status: 'pending' });
  });
});

/** The default partition is large, because no worker ran for a long time. */
describe('a large default partition', () => {
  const IN_RANGE = day(103); // in the first partition that is added on day 100
  /** Runs `statement` in the transaction of retention when it has validated a closed range. */
  const whenValidated = (statement: string) =>
    ledger.db.pool.query(`
      CREATE FUNCTION act() RETURNS event_trigger LANGUAGE plpgsql AS $$
      BEGIN IF current_query() LIKE '%VALIDATE CONSTRAINT events_other%' THEN PERFORM ${statement}; END IF; END $$;
      CREATE EVENT TRIGGER act ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION act()`);
  const closedRanges = async () => {
    const { rows } = await ledger.db.pool.query(`SELECT conname FROM pg_constraint WHERE conname LIKE '%closed_range'`);
    return rows;
  };
  const noGap = async (table: Partitioned) => {
    const [first, ...others] = (await partitions(table)).filter(({ from }) => from !== null);
    expect(others.map(({ from }) => from)).toEqual([first, ...others].slice(0, -1).map((one) => one?.until));
    expect(others.at(-1)?.until).toMatch(/./);
    expect((others.at(-1)?.until ?? '') >= firstIdAt(day(130))).toBe(true);
  };
  /** Runs rounds until nothing is missing: on a busy machine, one gives up waiting for locks. */
  const complete = (at: Date, tables: readonly Partitioned[] = ['events']) =>
    waitFor(async () => {
      await retain(at);
      for (const table of tables) await noGap(table);
      return true;
    });
  /** Holds the round in the middle, while it has a closed range, until `release`. */
  async function holdRound() {
    // Polls, because a lock would end the wait after lock_timeout.
    await ledger.db.pool.query(`
      CREATE FUNCTION hold() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN WHILE NOT pg_try_advisory_xact_lock(1) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$`);
    await whenValidated('hold()');
    const holder = await ledger.db.pool.connect();
    await holder.query('SELECT pg_advisory_lock(1)');
    return {
      isHeld: async () => {
        const { rowCount } = await holder.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
        );
        return rowCount === 1;
      },
      async release() {
        await holder.query('SELECT pg_advisory_unlock(1)');
        holder.release();
        await ledger.db.pool.query('DROP EVENT TRIGGER act');
      },
    };
  }

  it('gets partitions without being read while others wait for a lock', async () => {
    for (const table of PARTITIONED) await insertRows(table, { at: day(90), count: SOME });
    // Counts the rows that each transaction reads, and whether it has the lock for which everyone waits.
    await ledger.db.pool.query(`
      CREATE TABLE reads (id serial, transaction xid8, partition text, is_locked boolean, rows bigint);
      CREATE FUNCTION count_reads() RETURNS event_trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO reads (transaction, partition, rows, is_locked)
        SELECT pg_current_xact_id(), name, pg_stat_get_xact_tuples_returned(name::regclass),
          EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND relation = name::regclass AND mode = 'AccessExclusiveLock')
        FROM unnest('{events_other, finished_deliveries_other, earlier_attempts_other}'::text[]) name;
      END $$;
      CREATE EVENT TRIGGER before_each ON ddl_command_start EXECUTE FUNCTION count_reads();
      CREATE EVENT TRIGGER after_each ON ddl_command_end EXECUTE FUNCTION count_reads()`);
    await complete(day(100), PARTITIONED);
    const { rows } = await ledger.db.pool.query<{ isLocked: boolean; rows: number }>(
      `SELECT is_locked AS "isLocked", sum(rows)::int AS rows FROM (
         SELECT is_locked, rows - lag(rows) OVER (PARTITION BY transaction, partition ORDER BY id) AS rows FROM reads
       ) r GROUP BY is_locked ORDER BY is_locked`,
    );
    expect(rows).toEqual([
      { isLocked: false, rows: expect.any(Number) },
      { isLocked: true, rows: 0 },
    ]);
    expect(rows[0]?.rows).toBeGreaterThanOrEqual(SOME); // this is the validation
    expect(await closedRanges()).toEqual([]);
  });

  it('refuses only rows of the new partition while it is added, and as a transient error', async () => {
    await insertRows('events', { at: day(90), count: SOME });
    const hold = await holdRound();
    const round = watched(retain(day(100)));
    await waitFor(hold.isHeld);
    const refused = await insertEvent(IN_RANGE).catch((error: unknown) => error);
    expect(isTransient(refused)).toBe(true);
    for (const at of [day(0), day(95), day(4_000)]) expect(await insertEvent(at)).toMatchObject([{ accepted: true }]);
    await hold.release();
    await round.ended;
    await complete(day(100));
    expect(await insertEvent(IN_RANGE)).toMatchObject([{ accepted: true }]);
    expect((await partitionsOfRows('events')).at(-2)).toMatch(/^events_\d{8}$/);
  });

  it('skips a partition, with a warning, if a fast clock made a row of it; the row can be found', async () => {
    await insertRows('events', { at: day(90), count: SOME });
    await insertEvent(IN_RANGE);
    const warned: unknown[][] = [];
    const log = { ...silent, warn: (...words: unknown[]) => void warned.push(words) };
    const options = { db: ledger.db, retentionDays: 30, payloadRetentionDays: null, log, now: () => day(100) };
    await waitFor(async () => {
      await openRetention(options).run(new AbortController().signal);
      return ((await partitions('events')).at(-1)?.until ?? '') >= firstIdAt(day(130));
    });
    const [first, ...others] = warned;
    expect(first).toEqual([{ partition: expect.stringMatching(/^events_\d{8}$/) }, 'retention.left_out']);
    for (const other of others) expect(other).toEqual(first);
    expect((await partitionsOfRows('events')).at(-1)).toBe('events_other');
    expect(await closedRanges()).toEqual([]);
    await insertEvent(IN_RANGE);
  });

  it('after a crash, the next round opens the time range again, even when it adds another partition', async () => {
    await insertRows('events', { at: day(90), count: SOME });
    await whenValidated('pg_terminate_backend(pg_backend_pid())');
    await expect(retain(day(100))).rejects.toThrow();
    expect(await closedRanges()).toHaveLength(1);
    await ledger.db.pool.query('DROP EVENT TRIGGER act');
    await complete(day(110));
    expect(await closedRanges()).toEqual([]);
    expect(await insertEvent(IN_RANGE)).toMatchObject([{ accepted: true }]);
  });

  it('a stop does not wait for the validation', async () => {
    await insertRows('events', { at: day(90), count: SOME });
    const hold = await holdRound();
    const stop = new AbortController();
    const round = retention(day(100)).run(stop.signal);
    await waitFor(hold.isHeld);
    stop.abort();
    expect(await round).toBeNull();
    await hold.release();
    await complete(day(100));
    expect(await closedRanges()).toEqual([]);
  });
});
