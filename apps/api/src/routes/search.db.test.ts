import { toUuid } from '@posthorn/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

interface Page {
  data: { id: string; accountId: string; url: string }[];
  nextCursor: string | null;
}

/** All pages of a search, with two rows each. */
async function find(path: string, q: string, { key, more = '' }: { key?: string; more?: string } = {}) {
  const rows: Page['data'] = [];
  let cursor = '';
  do {
    const url = `${path}?limit=2&q=${encodeURIComponent(q)}${more}${cursor}`;
    const { status, json } = await api.call('GET', url, key === undefined ? {} : { key });
    expect(status).toBe(200);
    const { data, nextCursor } = json as Page;
    expect(data.length).toBeLessThanOrEqual(2);
    rows.push(...data);
    cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`;
  } while (cursor !== '');
  return rows;
}
const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id);
const subscribe = async (account: string, url: string, description?: string): Promise<string> => {
  const body = { url, ...(description !== undefined && { description }) };
  const { status, json } = await api.call('POST', `/v1/accounts/${account}/subscriptions`, { body });
  expect(status).toBe(201);
  return json.id;
};

describe('search by prefix', () => {
  it('finds accounts by the beginning of their id or name, each once, in the order of the text', async () => {
    for (const [id, name] of [
      ['initech', 'Initech Ltd.'],
      ['INIT-2', null],
      ['other', 'Initial Übersee'],
      ['last', 'Not initial'],
      ['in', 'Zeta'],
    ] as const)
      await api.call('PUT', `/v1/accounts/${id}`, { body: { name } });
    const search = async (q: string) => idsOf(await find('/v1/accounts', q));
    expect(await search('INI')).toEqual(['INIT-2', 'initech', 'other']);
    expect(await search('initial üb')).toEqual(['other']);
    expect(await search('init_')).toEqual([]);
    expect(await search('in%')).toEqual([]);
    expect(await search(`initech${'x'.repeat(200)}`)).toEqual([]);

    await api.call('DELETE', '/v1/accounts/initech');
    expect(await search('initech')).toEqual([]);
  });

  it('finds subscriptions of an account by URL with or without its scheme, description or id; none of other accounts', async () => {
    const [mine, theirs] = [await api.account(), await api.account()];
    const crm = await subscribe(mine, 'https://hooks.crm.example/Orders/new', 'CRM of Ärzte');
    const dash = await subscribe(mine, 'https://hooks.crm.example/orders', 'hooks.crm.example');
    const long = await subscribe(mine, `https://hooks.crm.example/${'x'.repeat(200)}/b`);
    await subscribe(theirs, 'https://hooks.crm.example/orders');
    const path = `/v1/accounts/${mine}/subscriptions`;
    const key = await api.key(mine, ['subscriptions:read']);
    const search = async (q: string, more?: string) =>
      idsOf(await find(path, q, { key, ...(more !== undefined && { more }) })).toSorted();
    const all = [crm, dash, long].toSorted();
    expect(await search('hooks.CRM')).toEqual(all);
    expect(await search('https://hooks.crm.example/orders')).toEqual([crm, dash].toSorted());
    expect(await search('https:')).toEqual(all);
    expect(await search('crm of ä')).toEqual([crm]);
    expect(await search('crm.example')).toEqual([]);
    expect(await search(`hooks.crm.example/${'x'.repeat(200)}/B`)).toEqual([long]);
    expect(await search(`hooks.crm.example/${'x'.repeat(200)}/c`)).toEqual([]);
    expect(await search(crm)).toEqual([crm]);
    expect(await search('sub_0')).toEqual(all);
    expect(await search('hooks', '&status=unverified')).toEqual(all);
    expect(await search('hooks', '&status=paused')).toEqual([]);

    await api.call('DELETE', `${path}/${dash}`);
    expect(await search('hooks')).toEqual([crm, long].toSorted());
    expect(await search(dash)).toEqual([]);
    expect((await api.call('GET', `/v1/accounts/${theirs}/subscriptions?q=hooks`, { key })).status).toBe(404);
  });

  it('finds subscriptions of all accounts for operators, without those of deleted accounts', async () => {
    const [one, another] = [await api.account(), await api.account()];
    const first = await subscribe(one, 'https://everywhere.example/a');
    const second = await subscribe(another, 'https://everywhere.example/b');
    const search = (q: string) => find('/v1/subscriptions', q);
    expect((await search('everywhere')).map(({ accountId, id }) => [accountId, id])).toEqual([
      [one, first],
      [another, second],
    ]);
    expect(idsOf(await search(second.slice(0, -3)))).toContain(second);
    await api.call('DELETE', `/v1/accounts/${another}`);
    expect(idsOf(await search('everywhere'))).toEqual([first]);
    expect(await search(second)).toEqual([]);
    const key = await api.key(one);
    expect((await api.call('GET', '/v1/subscriptions?q=every', { key })).status).toBe(403);
  });

  it('refuses a search without text, and a cursor of another list', async () => {
    const refusals = async (url: string) => {
      const { status, json } = await api.call('GET', url);
      return [status, ...json.errors.map(({ path }: { path: string }) => path)];
    };
    expect(await refusals('/v1/subscriptions')).toEqual([422, 'q']);
    expect(await refusals('/v1/accounts?q=')).toEqual([422, 'q']);
    const { json } = await api.call('GET', '/v1/accounts?limit=1');
    expect(json.nextCursor).not.toBeNull();
    expect(await refusals(`/v1/accounts?q=a&cursor=${json.nextCursor}`)).toEqual([422, 'cursor']);
  });

  it('sorts by waiting time over all pages, but not together with a search', async () => {
    const account = await api.account();
    const ids = [await subscribe(account, 'https://a.example/'), await subscribe(account, 'https://b.example/')];
    const path = `/v1/accounts/${account}/subscriptions?sort=waiting`;
    const first = (await api.call('GET', `${path}&limit=1`)).json as Page;
    const second = (await api.call('GET', `${path}&limit=1&cursor=${first.nextCursor}`)).json as Page;
    expect(idsOf([...first.data, ...second.data])).toEqual(ids.toReversed());
    expect(second.nextCursor).toBe(null);
    for (const list of ['/v1/accounts?sort=waiting', path]) {
      const { status, json } = await api.call('GET', `${list}&q=hooks`);
      expect([status, json.errors]).toMatchObject([422, [{ path: 'sort' }]]);
      expect((await api.call('GET', `${list}&cursor=nothing`)).status).toBe(422);
    }
    const { json } = await api.call('GET', '/v1/accounts?sort=waiting&limit=100');
    expect(idsOf((json as Page).data)).toContain(account);
  });

  it('sorts by success rate over all pages, but not together with a search', async () => {
    const account = await api.account();
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push(await api.activeSubscription(account, { url: `https://s${n}.example/` }));
    const [fine = '', failing = '', idle = ''] = ids;
    await api.deps.db.pool.query(
      `INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome)
       SELECT $1, id, 'message:created', date_bin('1 minute', now(), 'epoch'), 1, outcome
       FROM unnest($2::uuid[], '{ok,timeout}'::attempt_outcome[]) AS made (id, outcome)`,
      [account, [fine, failing].map((id) => toUuid('sub', id))],
    );
    const path = `/v1/accounts/${account}/subscriptions?sort=success`;
    const found: string[] = [];
    let cursor = '';
    for (const _ of ids) {
      const { json } = await api.call('GET', `${path}&stats=24h&limit=1${cursor}`);
      found.push(...idsOf((json as Page).data));
      expect(json).not.toHaveProperty('sortedNewest');
      cursor = `&cursor=${json.nextCursor}`;
    }
    expect(found).toEqual([failing, fine, idle]);
    expect(cursor).toBe('&cursor=null');
    for (const list of ['/v1/accounts?sort=success', path]) {
      const { status, json } = await api.call('GET', `${list}&q=hooks`);
      expect([status, json.errors]).toMatchObject([422, [{ path: 'sort' }]]);
      expect((await api.call('GET', `${list}&cursor=nothing`)).status).toBe(422);
    }
    const { json } = await api.call('GET', '/v1/accounts?sort=success&limit=1');
    expect(idsOf((json as Page).data)).toEqual([account]);
  });
});
