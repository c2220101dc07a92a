import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteAccount } from '../accounts/delete-account.js';
import { type Ledger, interpose, openLedger } from '../ledger.test-support.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { freezeEvent } from './freeze-event.js';
import { type PublishRequest, openPublisher } from './publisher.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

function request(
  accountId: string,
  { type = 'message:created', payload = '{}', key }: { type?: string; payload?: string; key?: string } = {},
): PublishRequest {
  const result = freezeEvent(Buffer.from(`{"event":"${type}","payload":${payload}}`));
  if (!result.ok) throw new Error(result.message);
  return { accountId, frozen: result.frozen, idempotencyKey: key ?? null };
}

describe('publish', () => {
  it('stores the exact bytes and one delivery per subscription that subscribes to the type', async () => {
    const accountId = await ledger.account();
    const all = await ledger.activeSubscription(accountId);
    const exact = await ledger.activeSubscription(accountId, { events: ['message:created'] });
    const pattern = await ledger.activeSubscription(accountId, { events: ['message:*', 'conversation:updated'] });
    await ledger.activeSubscription(accountId, { events: ['conversation:created'] });
    const payload = String.raw`{"z":1,"10":2,"n":12345678901234567890,"s":"\u0000\ud800"}`;
    const result = await ledger.publisher.publish(request(accountId, { payload }));
    expect(result).toMatchObject({
      outcome: 'accepted',
      event: { accountId, type: 'message:created', deliveryCount: 3 },
    });
    if (result.outcome !== 'accepted') return;
    const event = await ledger.db.prisma.event.findFirstOrThrow({ where: { id: result.event.id } });
    expect(Buffer.from(event.body).toString()).toBe(`{"event":"message:created","payload":${payload}}`);
    expect(event.createdAt).toEqual(result.event.createdAt);
    const deliveries = await ledger.db.prisma.delivery.findMany({ where: { eventId: event.id } });
    expect(deliveries.map(({ subscriptionId }) => subscriptionId).toSorted()).toEqual(
      [all.id, exact.id, pattern.id].toSorted(),
    );
    expect(deliveries.every(({ status, dueAt, leasedUntil }) => status === 'pending' && dueAt && leasedUntil)).toBe(
      true,
    );
    // Deliveries are looked up by this prefix.
    expect(deliveries.map(({ id }) => id.slice(0, 18))).toEqual(Array(3).fill(event.id.slice(0, 18)));
  });

  it('never reaches another account’s subscription or an unverified one', async () => {
    const [mine, other] = [await ledger.account(), await ledger.account()];
    await ledger.activeSubscription(other);
    await ledger.db.prisma.subscription.create({
      data: { id: crypto.randomUUID(), accountId: mine, url: 'https://a.example', events: [] },
    });
    expect(await ledger.publisher.publish(request(mine))).toMatchObject({
      outcome: 'accepted',
      event: { deliveryCount: 0 },
    });
  });

  it('stores an event that no subscription matches', async () => {
    const accountId = await ledger.account();
    const id = await ledger.publish(accountId);
    expect(await ledger.db.prisma.event.findFirst({ where: { id } })).toMatchObject({ deliveryCount: 0 });
  });

  it('stores a payload once, however many subscriptions and attempts it has', async () => {
    const accountId = await ledger.account();
    for (let n = 0; n < 10; n += 1) await ledger.activeSubscription(accountId);
    const needle = 'a-payload-of-its-own';
    await ledger.publisher.drain();
    ledger.jobs.length = 0;
    await ledger.publish(accountId, { payload: `{"text":"${needle}"}`, key: 'key-1' });
    await ledger.publisher.drain();
    ledger.results.push({ outcome: 'http_error', statusCode: 500 }, {});
    await ledger.work();
    ledger.results.length = 0;
    expect(await ledger.db.prisma.attempt.count({ where: { accountId } })).toBe(11);
    const { rows: tables } = await ledger.db.pool.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );
    const holders: string[] = [];
    for (const { name } of tables) {
      const { rows } = await ledger.db.pool.query(
        `SELECT FROM ${name} t WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || $2 || '%'`,
        [needle, Buffer.from(needle).toString('hex')],
      );
      holders.push(...rows.map(() => name));
    }
    expect(holders).toEqual([expect.stringMatching(/^events/)]);
  });

  it('creates a held delivery for a paused subscription', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    await pauseSubscription(ledger, { accountId, id });
    const eventId = await ledger.publish(accountId);
    expect(await ledger.db.prisma.delivery.findFirst({ where: { eventId } })).toMatchObject({
      status: 'held',
      dueAt: null,
      leasedUntil: null,
    });
  });

  it('with metadata.disable_webhook_events it stores the event without deliveries', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    const id = await ledger.publish(accountId, { payload: '{"metadata":{"disable_webhook_events":true}}' });
    expect(await ledger.db.prisma.delivery.count({ where: { eventId: id } })).toBe(0);
  });

  it('distinguishes an unknown account from an unknown type, and stores nothing', async () => {
    const accountId = await ledger.account();
    const before = await ledger.counts();
    expect(await ledger.publisher.publish(request('nobody', { key: 'k' }))).toEqual({ outcome: 'account_unknown' });
    expect(await ledger.publisher.publish(request(accountId, { type: 'no:such', key: 'k' }))).toEqual({
      outcome: 'type_unknown',
      type: 'no:such',
    });
    expect(await ledger.counts()).toEqual(before);
  });

  it('returns a result for each of 200 concurrent publishes; invalid ones do not affect the others', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        ledger.publisher.publish(request(index % 10 === 3 ? 'nobody' : accountId, { payload: `{"n":${index}}` })),
      ),
    );
    expect(results.filter(({ outcome }) => outcome === 'account_unknown')).toHaveLength(20);
    const ids = results.flatMap((result) =>
      'event' in result && result.outcome === 'accepted' ? [result.event.id] : [],
    );
    expect(new Set(ids).size).toBe(180);
    const bodies = await ledger.db.prisma.event.findMany({ where: { id: { in: ids } } });
    for (const [index, result] of results.entries()) {
      if (result.outcome !== 'accepted') continue;
      const body = bodies.find(({ id }) => id === result.event.id)?.body ?? Buffer.alloc(0);
      expect(Buffer.from(body).toString()).toContain(`{"n":${index}}`);
    }
  });

  it('returns deliveries that the queue did not accept to the dispatcher at once, not after the lease', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    ledger.setQueue(false);
    const eventId = await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.setQueue(true);
    const delivery = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { eventId } });
    expect((delivery.leasedUntil?.getTime() ?? 0) - Date.now()).toBeLessThan(5_000);
  });

  it('a publish during the deletion of its account is complete or refused', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    const publishes = Array.from({ length: 50 }, (_, n) =>
      ledger.publisher.publish(request(accountId, { payload: `{"n":${n}}` })),
    );
    await deleteAccount(ledger, { id: accountId });
    const results = await Promise.all(publishes);
    for (const { outcome } of results) expect(['accepted', 'account_unknown']).toContain(outcome);
    await ledger.erase();
    expect(await ledger.db.prisma.event.count({ where: { accountId } })).toBe(0);
    expect(await ledger.db.prisma.delivery.count({ where: { accountId } })).toBe(0);
  });
});

describe('idempotency key', () => {
  it('returns the first result for the same key and body, refuses another body, and separates accounts', async () => {
    const [accountId, other] = [await ledger.account(), await ledger.account()];
    await ledger.activeSubscription(accountId);
    const first = await ledger.publisher.publish(request(accountId, { key: 'k', payload: '{"n":1}' }));
    expect(first).toMatchObject({ outcome: 'accepted', event: { deliveryCount: 1 } });
    const event = 'event' in first ? first.event : null;
    expect(await ledger.publisher.publish(request(accountId, { key: 'k', payload: '{"n":1}' }))).toEqual({
      outcome: 'repeated',
      event,
    });
    expect(await ledger.publisher.publish(request(accountId, { key: 'k', payload: '{"n":2}' }))).toEqual({
      outcome: 'key_reused',
      eventId: event?.id,
    });
    expect(await ledger.publisher.publish(request(other, { key: 'k', payload: '{"n":1}' }))).toMatchObject({
      outcome: 'accepted',
    });
  });

  it('50 concurrent equal requests create one event and return it', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    const results = await Promise.all(
      Array.from({ length: 50 }, () => ledger.publisher.publish(request(accountId, { key: 'same' }))),
    );
    expect(new Set(results.map((result) => 'event' in result && result.event.id)).size).toBe(1);
    expect(results.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    expect(await ledger.db.prisma.event.count({ where: { accountId } })).toBe(1);
    expect(await ledger.db.prisma.delivery.count({ where: { accountId } })).toBe(1);
  });

  it('a refused first use does not use up the key, even within a batch', async () => {
    const accountId = await ledger.account();
    const results = await Promise.all([
      ledger.publisher.publish(request(accountId, { key: 'k', type: 'no:such' })),
      ledger.publisher.publish(request(accountId, { key: 'k' })),
      ledger.publisher.publish(request(accountId, { key: 'k' })),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['type_unknown', 'accepted', 'repeated']);
  });

  it('forgets a key after 24 h', async () => {
    const accountId = await ledger.account();
    const first = await ledger.publish(accountId, { key: 'old' });
    await ledger.db.pool.query(
      `UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE account_id = $1`,
      [accountId],
    );
    const second = await ledger.publish(accountId, { key: 'old', payload: '{"other":1}' });
    expect(second).not.toBe(first);
    expect(await ledger.publish(accountId, { key: 'old', payload: '{"other":1}' })).toBe(second);
  });
});

describe('publish, with the queue and the database failing', () => {
  it('regression: a queue that accepts nothing and a database error do not end the process; the lease stays', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    const db = interpose(ledger.db, (statement, run) =>
      statement.includes('SET leased_until') ? Promise.reject(new Error('statement timeout')) : run(),
    );
    const publisher = openPublisher({ ...ledger, db, enqueue: () => Promise.resolve(false) });
    expect(await publisher.publish(request(accountId))).toMatchObject({ outcome: 'accepted' });
    await publisher.drain(); // an unhandled rejection fails this test run
    const [delivery] = await ledger.db.prisma.delivery.findMany({ where: { accountId } });
    expect(delivery?.leasedUntil?.getTime()).toBeGreaterThan(Date.now());
  });

  it('regression: a locked account is not unknown, and does not delay other events of the statement', async () => {
    const [locked, other] = [await ledger.account(), await ledger.account()];
    const publish = async () => {
      const results = await Promise.all([locked, other].map((id) => ledger.publisher.publish(request(id))));
      return results.map(({ outcome }) => outcome);
    };
    const client = await ledger.db.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM accounts WHERE id = $1 FOR UPDATE', [locked]);
    expect(await publish()).toEqual(['account_locked', 'accepted']);
    await client.query('COMMIT');
    client.release();
    expect(await publish()).toEqual(['accepted', 'accepted']);
  });
});

describe('publishAll', () => {
  it('returns results in order, including repeats', async () => {
    const accountId = await ledger.account();
    await ledger.publish(accountId, { key: 'before', payload: '{"n":0}' });
    const result = await ledger.publisher.publishAll([
      request(accountId, { payload: '{"n":1}' }),
      request(accountId, { key: 'before', payload: '{"n":0}' }),
      request(accountId, { key: 'twice', payload: '{"n":2}' }),
      request(accountId, { key: 'twice', payload: '{"n":2}' }),
    ]);
    expect(result).toMatchObject({
      outcome: 'accepted',
      events: [{ repeated: false }, { repeated: true }, { repeated: false }, { repeated: true }],
    });
  });

  it('refuses all events if one is refused, stores nothing and names it', async () => {
    const accountId = await ledger.account();
    const before = await ledger.counts();
    expect(
      await ledger.publisher.publishAll([request(accountId, { key: 'x' }), request(accountId, { type: 'no:such' })]),
    ).toEqual({
      outcome: 'refused',
      index: 1,
      result: { outcome: 'type_unknown', type: 'no:such' },
    });
    expect(await ledger.counts()).toEqual(before);
  });

  it('batches with the same keys in opposite orders do not deadlock: one of them creates each event', async () => {
    const accountId = await ledger.account();
    for (let round = 0; round < 20; round += 1) {
      const requests = Array.from({ length: 100 }, (_, n) => request(accountId, { key: `${round}-${n}` }));
      const results = await Promise.all(
        [requests, requests.toReversed()].map((one) => ledger.publisher.publishAll(one)),
      );
      const events = results.flatMap((result) => (result.outcome === 'accepted' ? result.events : []));
      expect(events).toHaveLength(200);
      expect(events.filter(({ repeated }) => repeated)).toHaveLength(100);
    }
  });

  it('leaves connections for single publishes, however many batches wait for a lock', async () => {
    const [accountId, other] = [await ledger.account(), await ledger.account()];
    const client = await ledger.db.pool.connect();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO idempotency_keys (account_id, key, event_id, body_hash) VALUES ($1, 'held', gen_random_uuid(), '')`,
      [accountId],
    );
    const batches = Array.from({ length: 2 * ledger.db.pool.options.max }, () =>
      ledger.publisher.publishAll([request(accountId, { key: 'held' })]),
    );
    await waitFor(async () => {
      const { rowCount } = await ledger.db.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return (rowCount ?? 0) >= ledger.db.pool.options.max / 2;
    });
    expect(await ledger.publisher.publish(request(other))).toMatchObject({ outcome: 'accepted' });
    await client.query('ROLLBACK');
    client.release();
    const outcomes = (await Promise.all(batches)).map((result) =>
      result.outcome === 'accepted' ? result.events.map(({ repeated }) => repeated) : result.outcome,
    );
    expect(outcomes.filter((one) => one.toString() === 'false')).toHaveLength(1);
    expect(outcomes.filter((one) => one.toString() === 'true')).toHaveLength(batches.length - 1);
  });
});
