import { toTypeId } from '@posthorn/contract';
import { newId } from '@posthorn/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

/** All pages of a list, `between` each two of which something may happen. */
async function pages(
  path: string,
  limit: number,
  between: () => Promise<unknown> = async () => {},
): Promise<string[][]> {
  const all: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { json } = await api.call('GET', `${path}?limit=${limit}${cursor && `&cursor=${cursor}`}`);
    all.push(json.data.map((row: { id?: string; name?: string }) => row.id ?? row.name));
    cursor = json.nextCursor;
    await between();
  }
  return all;
}

const publish = (account: string) =>
  api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });

describe('a list shows every row exactly once, newest first (V3)', () => {
  it('over several pages, the last of which says that it is', async () => {
    const account = await api.account();
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.unshift((await publish(account)).json.id);
    expect(await pages(`/v1/accounts/${account}/events`, 3)).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
  });

  it('a page that is exactly full is the last one', async () => {
    const account = await api.account();
    for (let n = 0; n < 4; n += 1) await publish(account);
    expect((await pages(`/v1/accounts/${account}/events`, 2)).map((page) => page.length)).toEqual([2, 2]);
  });

  it('while rows arrive between the pages', async () => {
    const account = await api.account();
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.unshift((await publish(account)).json.id);
    const shown = await pages(`/v1/accounts/${account}/events`, 2, () => publish(account));
    expect(shown.flat()).toEqual(ids);
  });

  it('also accounts whose times tie: the id decides', async () => {
    await api.deps.db.pool.query(
      `INSERT INTO accounts (id, created_at) SELECT 'tie-' || n, '2020-01-01T00:00:00.123Z' FROM generate_series(1, 25) n`,
    );
    const shown = (await pages('/v1/accounts', 4)).flat().filter((id) => id.startsWith('tie-'));
    expect(shown).toHaveLength(25);
    expect(new Set(shown).size).toBe(25);
  });

  it('also event types whose times tie', async () => {
    await api.deps.db.pool.query(
      `INSERT INTO event_types (name, created_at) SELECT 'tie:' || n, '2020-01-01T00:00:00.123Z' FROM generate_series(1, 25) n`,
    );
    const shown = (await pages('/v1/event-types', 4)).flat().filter((name) => name.startsWith('tie:'));
    expect(new Set(shown).size).toBe(25);
    expect(shown).toHaveLength(25);
  });

  it('also subscriptions, keys and deliveries, of which some were made in one millisecond', async () => {
    const account = await api.account();
    for (let n = 0; n < 3; n += 1) await api.activeSubscription(account);
    for (let n = 0; n < 5; n += 1) await api.key(account);
    await publish(account);
    for (const [list, count] of [
      ['subscriptions', 3],
      ['keys', 5],
      ['deliveries', 3],
    ] as const) {
      const shown = await pages(`/v1/accounts/${account}/${list}`, 2);
      expect([list, new Set(shown.flat()).size, shown.flat().length]).toEqual([list, count, count]);
    }
  });

  it('25 rows unless told otherwise, 100 at most', async () => {
    const account = await api.account();
    await api.deps.db.prisma.event.createMany({
      data: Array.from({ length: 120 }, () => ({
        id: newId(),
        accountId: account,
        type: 'message:created',
        body: Buffer.from('{"event":"message:created","payload":{}}'),
        deliveryCount: 0,
        createdAt: new Date(),
      })),
    });
    expect((await api.call('GET', `/v1/accounts/${account}/events`)).json.data).toHaveLength(25);
    expect((await pages(`/v1/accounts/${account}/events`, 100)).map((page) => page.length)).toEqual([100, 20]);
  });

  it('a cursor of one list is refused by another', async () => {
    const account = await api.account();
    for (let n = 0; n < 2; n += 1) await publish(account);
    const { json } = await api.call('GET', `/v1/accounts/${account}/events?limit=1`);
    const other = await api.call('GET', `/v1/accounts/${account}/deliveries?cursor=${json.nextCursor}`);
    expect([other.status, other.json.errors[0].path]).toEqual([422, 'cursor']);
  });

  // Rows of a few milliseconds, in any order; more of the present arrive while somebody pages.
  const moments = fc.array(fc.nat(3), { maxLength: 25 });
  const limits = fc.integer({ min: 1, max: 7 });
  const stamp = (ms: number) => new Date(Date.parse('2020-01-01T00:00:00.120Z') + ms).toISOString();
  /** A UUIDv7 of that millisecond. */
  const idAt = (ms: number) => {
    const time = Date.parse(stamp(ms)).toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}${newId().slice(13)}`;
  };
  const INSERTS = {
    keys: [
      `INSERT INTO api_keys (id, account_id, name, hash, scopes) VALUES ($1::uuid, $2, 'test', sha256($1::text::bytea), '{}')`,
      'key',
    ],
    subscriptions: [
      `INSERT INTO subscriptions (id, account_id, url, events) VALUES ($1, $2, 'https://hooks.example.com/', '{}')`,
      'sub',
    ],
    events: [
      `INSERT INTO events (id, account_id, type, body, delivery_count, created_at) VALUES ($1, $2, 'message:created', '{"event":"message:created","payload":{}}', 0, now())`,
      'evt',
    ],
    deliveries: [
      `INSERT INTO deliveries (id, account_id, event_id, event_type, subscription_id, status) VALUES ($1, $2, $1, 'message:created', $1, 'held')`,
      'dlv',
    ],
  } as const;

  it.each(Object.keys(INSERTS) as (keyof typeof INSERTS)[])(
    'property: %s, however many of a millisecond and however small the pages',
    async (list) => {
      const [insert, prefix] = INSERTS[list];
      const property = fc.asyncProperty(moments, limits, fc.nat(2), async (given, limit, arriving) => {
        const account = await api.account();
        const add = async (id: string) => void (await api.deps.db.pool.query(insert, [id, account]));
        const ids = given.map(idAt);
        for (const id of ids) await add(id);
        const shown = await pages(`/v1/accounts/${account}/${list}`, limit, async () => {
          for (let n = 0; n < arriving; n += 1) await add(newId());
        });
        expect(shown.flat()).toEqual(
          ids
            .toSorted()
            .toReversed()
            .map((id) => toTypeId(prefix, id)),
        );
        for (const page of shown) expect(page.length).toBeLessThanOrEqual(limit);
      });
      await fc.assert(property, { numRuns: 8 });
    },
  );

  it('property: accounts and event types, whose ids others choose: by time, and where times tie by id, in one total order', async () => {
    let run = 0;
    const letters = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
    const rows = fc.uniqueArray(fc.tuple(letters, fc.nat(2)), { maxLength: 15, selector: ([name]) => name });
    const property = fc.asyncProperty(rows, limits, fc.nat(1), async (given, limit, arriving) => {
      const own = `p${++run}-`;
      for (const [table, column, path] of [
        ['accounts', 'id', '/v1/accounts'],
        ['event_types', 'name', '/v1/event-types'],
      ] as const) {
        const add = async (name: string, at: string) =>
          void (await api.deps.db.pool.query(`INSERT INTO ${table} (${column}, created_at) VALUES ($1, $2)`, [
            own + name,
            at,
          ]));
        for (const [name, ms] of given) await add(name, stamp(ms));
        let arrived = 0;
        const shown = await pages(path, limit, async () => {
          for (let n = 0; n < arriving && arrived < 20; n += 1) await add(`new-${++arrived}`, new Date().toISOString());
        });
        const mine = shown.flat().filter((name) => name.startsWith(own) && !name.startsWith(`${own}new-`));
        expect(new Set(mine)).toEqual(new Set(given.map(([name]) => own + name)));
        expect(mine).toHaveLength(given.length);
        const timeOf = new Map(given.map(([name, ms]) => [own + name, ms]));
        const times = mine.map((name) => timeOf.get(name) ?? 0);
        expect(times).toEqual(times.toSorted((a, b) => b - a));
        // The same pages, whatever their size: the order is total.
        const whole = (await pages(path, 100)).flat().filter((name) => timeOf.has(name));
        expect(whole).toEqual(mine);
      }
    });
    await fc.assert(property, { numRuns: 6 });
  });
});
