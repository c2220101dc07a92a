import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '@posthorn/testing';
import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freezeEvent } from '../publish/freeze-event.js';
import { insertEvents } from '../publish/insert-events.js';
import { type Ledger, openLedger, silent } from '../ledger.test-support.js';
import { findOwner } from '../lookup/find-owner.js';
import { type Change, CHANGES } from './change.js';
import { type Follower, openFollower } from './follow-rows.js';

let ledger: Ledger;
let follower: Follower<Change, string[]>;
let polls: number;
beforeEach(async () => {
  ledger = await openLedger();
  polls = 0;
  const { pool } = ledger.db;
  const counted = {
    query: (...args: Parameters<typeof pool.query>) => {
      polls += 1;
      return pool.query(...args);
    },
  };
  follower = openFollower({ db: { pool: counted as typeof pool }, log: silent }, CHANGES);
});
afterEach(async () => {
  await follower.close();
  await ledger.close();
});

/** Inserts a delivery whose id was created `agoMs` ago. */
async function insert(accountId: string, { agoMs = 0, subscriptionId = v7() } = {}): Promise<string> {
  const id = v7({ msecs: Date.now() - agoMs });
  await ledger.db.pool.query(
    `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count,
       completed_at, created_at)
     VALUES ($1, $2, $1, 'message:created', $3, 'succeeded', 0, 0, now(), now())`,
    [id, accountId, subscriptionId],
  );
  return id;
}

async function listen(
  accountId: string | null,
  { after = null as string | null, subscriptionIds = null as string[] | null } = {},
) {
  const got: Change[] = [];
  const skipped: (number | null)[] = [];
  const { stop } = await follower.follow({
    accountId,
    filter: subscriptionIds,
    after,
    onRows: (rows) => void got.push(...rows),
    onSkipped: (count) => void skipped.push(count),
  });
  return { got, skipped, stop, ids: () => got.map(({ id }) => id) };
}
const has = (listener: { ids(): string[] }, id: string) => waitFor(() => listener.ids().includes(id));

it('notifies each listener of new rows of its account, and the operator of all, once', async () => {
  await insert('acme');
  const [acme, other, all] = [await listen('acme'), await listen('other'), await listen(null)];
  const [one, two] = [await insert('acme'), await insert('other')];
  await has(all, one);
  await has(all, two);
  await has(acme, one);
  await has(other, two);
  const last = await insert('acme');
  await has(all, last);
  expect(acme.ids().toSorted()).toEqual([one, last].toSorted());
  expect(other.ids()).toEqual([two]);
  expect(all.ids().toSorted()).toEqual([one, two, last].toSorted());
  expect(all.got[0]).toMatchObject({ kind: 'delivery', accountId: expect.any(String), eventType: 'message:created' });
});

it('reports the attempts of a new and of an old delivery, and each is found by its id', async () => {
  const accountId = await ledger.account();
  const { id: subscriptionId } = await ledger.activeSubscription(accountId);
  const listener = await listen(accountId);
  const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
  if (!frozen.ok) throw new Error(frozen.message);
  const { pool } = ledger.db;
  const worker = ledger.attempter();
  for (const agoMs of [0, 3_600_000]) {
    const event = { accountId, frozen: frozen.frozen, createdAt: new Date(), idempotency: null };
    const [stored] = await insertEvents(pool, [{ ...event, id: v7({ msecs: Date.now() - agoMs }) }]);
    const deliveryId = stored?.directIds[0] ?? '';
    await worker.attempt({ id: deliveryId, attemptNumber: 1 }, new AbortController().signal);
    const { id } = await ledger.db.prisma.attempt.findFirstOrThrow({ where: { deliveryId } });
    await has(listener, id);
    expect(listener.got.find((change) => change.id === id)).toMatchObject({ kind: 'attempt', deliveryId, number: 1 });
    const owner = { accountId, subscriptionId, eventId: null, deliveryId };
    expect(await findOwner(pool, { kind: 'attempt', id, accountId: null })).toEqual(owner);
  }
});

it('applies a filter by subscription', async () => {
  const subscriptionId = v7();
  const listener = await listen('acme', { subscriptionIds: [subscriptionId] });
  await insert('acme');
  const wanted = await insert('acme', { subscriptionId });
  await has(listener, wanted);
  expect(listener.ids()).toEqual([wanted]);
});

it('reports a row that is committed half a minute after its id was created', async () => {
  // The listener has been there since before that time.
  const listener = await listen('acme', { after: v7({ msecs: Date.now() - 60_000 }) });
  const first = await insert('acme');
  await has(listener, first);
  const late = await insert('acme', { agoMs: 35_000 });
  await waitFor(() => listener.ids().includes(late));
  expect(listener.ids()).toHaveLength(2);
});

it('a listener that reconnects gets the rows that it missed, including late commits, without duplicates', async () => {
  const before = await insert('acme', { agoMs: 50_000 });
  const late = await insert('acme', { agoMs: 20_000 });
  const last = await insert('acme', { agoMs: 5_000 });
  const meanwhile = await insert('acme', { agoMs: 2_000 });
  const other = await listen('acme');
  const back = await listen('acme', { after: last });
  expect(back.ids()).toEqual([late, last, meanwhile]);
  expect(back.ids()).not.toContain(before);
  const next = await insert('acme');
  await has(back, next);
  await has(other, next);
  expect(back.ids()).toEqual([late, last, meanwhile, next]);
  expect([back.skipped, other.ids()]).toEqual([[], [next]]);
});

it('a listener that reconnects while rows arrive gets each row at least once', async () => {
  const inserted: string[] = [];
  const writer = { isOn: true };
  const writing = (async () => {
    while (writer.isOn) {
      inserted.push(await insert('acme', { agoMs: inserted.length % 7 === 0 ? 1_500 : 0 }));
      await pause(3); // otherwise a fast machine creates more than the thousand rows of the catch-up
    }
  })();
  const got = new Set<string>();
  let after: string | null = v7();
  for (let round = 0; round < 4; round += 1) {
    const listener = await listen('acme', { after });
    const target = inserted.length + 20;
    await waitFor(() => inserted.length > target && listener.ids().length > 0);
    listener.stop();
    for (const id of listener.ids()) got.add(id);
    after = listener.ids().at(-1) ?? after;
  }
  writer.isOn = false;
  await writing;
  const rest = await listen('acme', { after });
  for (const id of rest.ids()) got.add(id);
  expect(inserted.filter((id) => !got.has(id))).toEqual([]);
});

it('catches up with the newest thousand and reports that it skipped some', async () => {
  const after = v7({ msecs: Date.now() - 30_000 });
  await ledger.db.pool.query(
    `INSERT INTO finished_deliveries (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count,
       completed_at, created_at)
     SELECT posthorn_delivery_id(event_id), 'acme', event_id, 'message:created', gen_random_uuid(), 'succeeded', 0, 0, now(), now()
     FROM (SELECT posthorn_uuidv7() AS event_id FROM generate_series(1, 1005)) e`,
  );
  const listener = await listen('acme', { after });
  expect([listener.got.length, listener.skipped]).toEqual([1_000, [null]]);
  const old = await listen('acme', { after: v7({ msecs: Date.now() - 11 * 60_000 }), subscriptionIds: [v7()] });
  expect(old.skipped).toEqual([null]);
});

it('makes no queries without listeners', async () => {
  const listener = await listen('acme');
  await has(listener, await insert('acme'));
  listener.stop();
  const before = polls;
  // Longer than the interval between two polls.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(polls - before).toBeLessThanOrEqual(3); // the poll that was running
});
