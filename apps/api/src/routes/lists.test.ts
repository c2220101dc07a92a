import { newId } from '@posthorn/core';
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

describe('a list shows every row exactly once, newest first', () => {
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
});
