import { checkFilter } from '@posthorn/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { expandFanOuts } from './expand-fan-outs.js';
import { freezeEvent } from './freeze-event.js';
import { MAX_FILTERS, whyNotFilter } from './passes-filter.js';
import { openPublisher } from './publisher.js';

let ledger: Ledger;
let accountId: string;
beforeAll(async () => void (ledger = await openLedger()));
beforeEach(async () => {
  accountId = await ledger.account();
  ledger.jobs.length = 0;
});
afterAll(() => ledger.close());

async function subscription(filter: string | null, of = accountId): Promise<string> {
  const { id } = await ledger.activeSubscription(of);
  await changeSubscription(ledger, { accountId: of, id, changes: { filter } });
  return id;
}

/** Returns the subscriptions that got a delivery, and what the 202 counts. */
async function publish(payload: string, { publisher = ledger.publisher } = {}) {
  const frozen = freezeEvent(Buffer.from(`{"event":"message:created","payload":${payload}}`));
  if (!frozen.ok) throw new Error(frozen.message);
  const result = await publisher.publish({ accountId, frozen: frozen.frozen, idempotencyKey: null });
  if (result.outcome !== 'accepted') throw new Error(result.outcome);
  const { id: eventId, deliveryCount, isFanOut } = result.event;
  const deliveredTo = async () => {
    const rows = await ledger.db.prisma.delivery.findMany({ where: { accountId, eventId } });
    return rows.map(({ subscriptionId }) => subscriptionId).toSorted();
  };
  return { eventId, deliveryCount, isFanOut, deliveredTo };
}

const passes = async (payload: string, filter: string): Promise<boolean> => {
  const { rows } = await ledger.db.pool.query<{ passes: boolean }>(
    'SELECT posthorn_passes(posthorn_payload($1::bytea), $2) AS passes',
    [Buffer.from(`{"event":"message:created","payload":${payload}}`), filter],
  );
  return rows[0]?.passes ?? false;
};

describe('publish', () => {
  it('creates deliveries for subscriptions without a filter and for those whose filter the payload passes', async () => {
    const all = await subscription(null);
    const closed = await subscription('$.conversation.status == "closed"');
    await subscription('$.conversation.status == "open"');
    const of = await publish('{"conversation":{"status":"closed"}}');
    expect(of).toMatchObject({ deliveryCount: 2, isFanOut: false });
    expect(await of.deliveredTo()).toEqual([all, closed].toSorted());
  });

  it('counts 0 deliveries if no filter passes, and stores the event', async () => {
    await subscription('$.n > 5');
    const of = await publish('{"n":5}');
    expect([of.deliveryCount, await of.deliveredTo()]).toEqual([0, []]);
    const event = await ledger.db.prisma.event.findFirstOrThrow({ where: { accountId, id: of.eventId } });
    expect(event.deliveryCount).toBe(0);
  });

  it('evaluates each event of a shared statement by its own payload, and only the filters of its account', async () => {
    const even = await subscription('$.isEven == true');
    const other = await ledger.account();
    await subscription('$.n == 99', other);
    const of = await Promise.all(Array.from({ length: 10 }, (_, n) => publish(`{"n":${n},"isEven":${n % 2 === 0}}`)));
    const expected = of.map((_, n) => (n % 2 === 0 ? [even] : []));
    expect(await Promise.all(of.map((one) => one.deliveredTo()))).toEqual(expected);
    expect(of.map(({ deliveryCount }) => deliveryCount)).toEqual(expected.map((ids) => ids.length));
  });

  it('a paused subscription holds only events that pass', async () => {
    const id = await subscription('$.n == 1');
    await ledger.db.pool.query(`UPDATE subscriptions SET status = 'paused' WHERE id = $1`, [id]);
    expect((await publish('{"n":1}')).deliveryCount).toBe(1);
    expect((await publish('{"n":2}')).deliveryCount).toBe(0);
    expect(await ledger.db.prisma.delivery.findMany({ where: { accountId } })).toMatchObject([{ status: 'held' }]);
  });

  it('a fan-out expects and writes the deliveries that pass', async () => {
    const publisher = openPublisher(ledger, { maxDeliveries: 2 });
    const ids = [await subscription(null), await subscription('$.n == 1'), await subscription('$.n == 1')];
    await subscription('$.n == 2');
    for (let round = 0; round < 2; round += 1) {
      const of = await publish('{"n":1}', { publisher });
      expect(of).toMatchObject({ deliveryCount: 3, isFanOut: true });
      while ((await expandFanOuts(ledger, { atOnce: 2 })).isAdvanced);
      expect(await of.deliveredTo()).toEqual(ids.toSorted());
      const event = await ledger.db.prisma.event.findFirstOrThrow({ where: { accountId, id: of.eventId } });
      expect(event.deliveryCount).toBe(3);
    }
    await publisher.drain();
  });
});

describe('a payload that jsonb cannot hold', () => {
  it.each([
    ['NUL', '{"body":"a\\u0000b","n":1}', '$.body == "a\\ufffdb"'],
    ['two NULs', '{"body":"\\u0000\\u0000","n":1}', '$.body == "\\ufffd\\ufffd"'],
    ['NUL in a key', '{"a\\u0000":1,"n":1}', '$."a\\ufffd" == 1'],
    ['NUL after a backslash', '{"body":"\\\\\\u0000","n":1}', '$.body == "\\\\\\ufffd"'],
    ['the first half of a pair', '{"body":"\\ud83dx","n":1}', '$.body == "\\ufffdx"'],
    ['the second half of a pair', '{"body":"x\\uDE00","n":1}', '$.body == "x\\ufffd"'],
    ['a pair and NUL', '{"body":"\\ud83d\\ude00\\u0000","n":1}', '$.body == "😀\\ufffd"'],
  ])('is compared with U+FFFD in the place of %s', async (_, payload, filter) => {
    expect(await passes(payload, filter)).toBe(true);
    expect(await passes(payload, '$.n == 1')).toBe(true);
    expect(await passes(payload, '$.n == 2')).toBe(false);
  });

  it('an escaped backslash before u0000 is no NUL', async () => {
    expect(await passes('{"body":"\\\\u0000","n":1}', '$.body == "\\\\u0000"')).toBe(true);
  });

  it('passes if Postgres cannot read it at all, so that no event is lost', async () => {
    const id = await subscription('$.n == 2');
    const of = await publish('{"n":1e200000}');
    expect([of.deliveryCount, await of.deliveredTo()]).toEqual([1, [id]]);
  });

  it('does not fail the publish of others in the same statement, and its bytes stay as they are', async () => {
    await subscription('$.n == 1');
    const payloads = ['{"n":1,"body":"\\u0000"}', '{"n":1}', '{"n":1e200000}', '{"n":2,"body":"\\ud800"}'];
    const of = await Promise.all(payloads.map((payload) => publish(payload)));
    expect(of.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1, 1, 0]);
    const event = await ledger.db.prisma.event.findFirstOrThrow({ where: { accountId, id: of[0]?.eventId ?? '' } });
    expect(Buffer.from(event.body).toString()).toContain('\\u0000');
  });

  it('passes or fails like any other if it is nested as deeply as a payload may be', async () => {
    const deep = `{"n":1,"a":${'['.repeat(998)}${']'.repeat(998)}}`;
    expect([await passes(deep, '$.n == 1'), await passes(deep, '$.n == 2')]).toEqual([true, false]);
  });
});

it.each([
  ['{"n":"5"}', '$.n == 5', false],
  ['{}', '$.n == 5', false],
  ['{}', '!($.n == 5)', true],
  ['{"n":"5"}', '!($.n == 5)', false],
  ['{"n":"5"}', '($.n == 5) is unknown', true],
  ['{"tags":["a","b"]}', '$.tags == "b"', true],
  ['{"tags":["a","b"]}', '$.tags.size() == 2', true],
  ['{"items":[{"n":1,"p":9},{"n":3,"p":1}]}', 'exists($.items[*] ? (@.n > 2 && @.p < 5))', true],
  ['{"n":9007199254740993}', '$.n == 9007199254740992', false],
  ['{"a":{"b":null}}', '$.a.b == null', true],
  ['{"größe":"groß"}', 'strict $.größe starts with "gr"', true],
])('%s passes %s: %s', async (payload, filter, expected) => {
  expect(checkFilter(filter).ok).toBe(true);
  expect(await whyNotFilter(ledger.db.pool, filter)).toBeNull();
  expect(await passes(payload, filter)).toBe(expected);
});

it('Postgres refuses what the contract does not know, with its reason', async () => {
  expect(await whyNotFilter(ledger.db.pool, '!($.a == 1) is unknown')).toContain('syntax error');
  expect(await whyNotFilter(ledger.db.pool, '$.a == "\\x"')).not.toBeNull();
});

it('evaluates a filter with the most conditions over the largest list', async () => {
  const payload = `{"a":[${Array.from({ length: 40_000 }, (_, n) => n).join()}]}`;
  const filter = Array.from({ length: 10 }, () => '$.a[*] == -1').join(' || ');
  expect(await passes(payload, filter)).toBe(false);
});

it('an account has at most MAX_FILTERS filters; without one, a subscription is not counted', async () => {
  const first = await subscription('$.n == 1');
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.db.pool.query(
    `INSERT INTO subscriptions (id, account_id, url, events, filter)
     SELECT posthorn_uuidv7(), $1, 'https://hooks.example.com/', '{}', '$.n == 1' FROM generate_series(2, $2::int)`,
    [accountId, MAX_FILTERS],
  );
  const change = (of: string, filter: string | null) =>
    changeSubscription(ledger, { accountId, id: of, changes: { filter } });
  expect(await change(id, '$.n == 2')).toEqual({ outcome: 'filters_reached' });
  expect(await change(first, '$.n == 2')).toMatchObject({ outcome: 'changed' });
  const made = { accountId, url: 'https://hooks.example.com/', events: [] };
  const create = (filter: string | null) =>
    createSubscription(ledger, { ...made, filter }, { maxSubscriptions: 1_000 });
  expect(await create('$.n == 2')).toEqual({ outcome: 'filters_reached' });
  expect(await create(null)).toMatchObject({ outcome: 'created' });
  await change(first, null);
  expect(await change(id, '$.n == 2')).toMatchObject({ outcome: 'changed' });
});
