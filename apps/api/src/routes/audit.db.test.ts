import { AUDIT_OBJECTS, AUDIT_WORDS, toTypeId } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { echo, OPERATOR_KEY, openTestApi, REFUSED } from '../api.test-support.js';

const api = await openTestApi();
afterAll(() => api.close());

interface Entry {
  action: string;
  actor: { kind: string; id: string | null; name: string | null };
  target: { type: string; id: string | null; name: string | null };
  changes: Record<string, unknown>;
  address: string | null;
  requestId: string;
  accountId: string | null;
  doneAt: string | null;
}
const entriesOf = async (account: string, key = OPERATOR_KEY): Promise<Entry[]> =>
  (await api.call('GET', `/v1/accounts/${account}/audit?limit=100`, { key })).json.data.toReversed();
const actionsOf = async (account: string) => (await entriesOf(account)).map(({ action }) => action);

describe('the audit log', () => {
  it('records who changed what, the old and the new value, and the client address', async () => {
    const account = await api.account();
    const key = await api.key(account);
    const subscription = await api.activeSubscription(account, {
      url: 'https://hooks.example.com/in?token=hush',
      events: ['message:created'],
    });
    const change = {
      events: [],
      description: 'new',
      headers: { 'x-api-key': 'hush-hush' },
      metadata: { secret: 'hush' },
    };
    await api.call('PATCH', `/v1/accounts/${account}/subscriptions/${subscription}`, {
      key,
      body: change,
      headers: { 'x-request-id': 'the-change' },
    });
    const entries = await entriesOf(account);
    expect(entries.map(({ action }) => action)).toEqual([
      'accounts.put',
      'keys.create',
      'subscriptions.create',
      'subscriptions.change',
    ]);
    const [put, created, subscribed, changed] = entries;
    expect(put).toMatchObject({
      actor: { kind: 'operator', id: null, name: null },
      target: { type: 'account', id: account },
    });
    expect(created).toMatchObject({
      target: { type: 'key', id: expect.stringMatching(/^key_/), name: 'test' },
      changes: { name: { to: 'test' }, scopes: { to: expect.arrayContaining(['events:write']) } },
    });
    expect(subscribed).toMatchObject({
      target: { type: 'subscription', id: subscription },
      changes: { url: { from: null, to: 'https://hooks.example.com/in' }, status: { from: null, to: 'unverified' } },
    });
    expect(changed).toEqual({
      id: expect.stringMatching(/^aud_/),
      createdAt: expect.any(String),
      doneAt: expect.any(String),
      accountId: account,
      actor: { kind: 'account', id: created?.target.id, name: 'test' },
      action: 'subscriptions.change',
      target: { type: 'subscription', id: subscription, name: 'https://hooks.example.com/in' },
      changes: {
        events: { from: ['message:created'], to: [] },
        description: { from: null, to: 'new' },
        headers: { changed: true },
        metadata: { changed: true },
      },
      requestId: 'the-change',
      address: '127.0.0.1',
    });
  });

  it('has words for every action that it records, and for no other', () => {
    const changes = Object.entries(api.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { operationId }]) =>
        method !== 'get' && /^\/(v1|api)\//.test(path) && operationId !== undefined ? [operationId] : [],
      ),
    );
    const recorded = [...changes, 'subscriptions.getSecret', 'session.refused'];
    const reading = ['events.findMissing', 'subscriptions.testFilter'];
    const unrecorded = ['events.publish', 'events.publishBatch', 'papercups.verify', ...reading];
    expect(Object.keys(AUDIT_WORDS).toSorted()).toEqual(recorded.filter((id) => !unrecorded.includes(id)).toSorted());
    expect(Object.values(AUDIT_WORDS).filter(({ object }) => !Object.hasOwn(AUDIT_OBJECTS, object))).toEqual([]);
  });

  it('contains no secret, key, token or URL query in any entry of any route', async () => {
    const account = await api.account();
    const key = await api.key(account);
    const subscription = await api.activeSubscription(account, {
      url: 'https://user.example.com/?token=hush',
      headers: { 'x-key': 'hush' },
    });
    const path = `/v1/accounts/${account}/subscriptions/${subscription}`;
    const { secret } = (await api.call('GET', `${path}/secret`)).json;
    const rotated = (await api.call('POST', `${path}/secret/rotate`)).json.secret;
    const portal = await api.portal(account);
    await api.call('POST', '/v1/session', { key: null, body: { key } });
    await api.call('POST', '/v1/session', { key: null, body: { key: 'phk_wrong-hush' } });
    const { rows } = await api.deps.db.pool.query(`SELECT string_agg(a::text, ' ') AS text FROM audit_entries a`);
    for (const hidden of [secret, rotated, portal, key, 'hush', 'phl_', 'phs_', OPERATOR_KEY])
      expect(rows[0].text).not.toContain(hidden);
    expect(rows[0].text).toContain('user.example.com');
  });

  it('records each action on a subscription and each read of its secret, but neither published events nor rejected requests', async () => {
    const account = await api.account();
    const subscription = await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/subscriptions/${subscription}`;
    for (const act of ['pause', 'resume', 'disable', 'resume', 'verify', 'test', 'secret/rotate']) {
      await api.call('POST', `${path}/${act}`);
    }
    await api.call('GET', `${path}/secret`);
    await api.call('GET', path);
    await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });
    await api.call('PATCH', path, { body: { url: 'http://10.0.0.1/' } });
    await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${toTypeId('sub', crypto.randomUUID())}`);
    const since = new Date(Date.now() - 1_000).toISOString();
    const body = { since, which: 'failed', subscriptions: [subscription] };
    await api.call('POST', `/v1/accounts/${account}/replays`, { body: { ...body, dryRun: true } });
    await api.call('POST', `/v1/accounts/${account}/replays`, { body });
    await api.call('DELETE', path);
    const entries = await entriesOf(account);
    expect(entries.slice(2).map(({ action }) => action.replace('subscriptions.', ''))).toEqual([
      'pause',
      'resume',
      'disable',
      'resume',
      'verify',
      'test',
      'rotateSecret',
      'getSecret',
      'replays.start',
      'delete',
    ]);
    expect(entries[2]?.changes).toEqual({ status: { from: 'active', to: 'paused' } });
    expect(entries.at(-2)).toMatchObject({
      target: { type: 'replay', id: expect.stringMatching(/^rpl_/) },
      changes: { which: { to: 'failed' }, subscriptions: { to: [subscription] } },
    });
  });

  it('records logins, rejected logins and portals', async () => {
    const account = await api.account();
    await api.call('POST', '/v1/session', { key: null, body: { key: await api.key(account) } });
    const portal = await api.portal(account);
    await api.call('DELETE', '/v1/session', { key: portal });
    const entries = (await entriesOf(account)).slice(2);
    expect(entries.map(({ action, actor }) => [action, actor.kind])).toEqual([
      ['session.create', 'account'],
      ['portals.create', 'operator'],
      ['portals.open', 'portal'],
      ['session.end', 'portal'],
    ]);
    await api.call('POST', '/v1/session', {
      key: null,
      body: { key: 'phk_nobody' },
      headers: { 'x-request-id': 'a-guess' },
    });
    const [refused] = (await api.call('GET', '/v1/audit?limit=1')).json.data;
    expect(refused).toMatchObject({
      action: 'session.refused',
      actor: { kind: 'nobody', id: null },
      requestId: 'a-guess',
      address: '127.0.0.1',
      changes: {},
    });
  });

  it('records changes by Papercups routes', async () => {
    const account = await api.account();
    const key = await api.key(account);
    api.verifyAtOnce(true);
    const body = { event_subscription: { webhook_url: 'https://papercups.example.com/x' } };
    const { id } = (await api.call('POST', '/api/event_subscriptions', { key, body })).json.data;
    await api.call('PUT', `/api/event_subscriptions/${id}`, {
      key,
      body: { event_subscription: { scope: 'message:created' } },
    });
    await api.call('DELETE', `/api/event_subscriptions/${id}`, { key });
    api.verifyAtOnce(false);
    expect((await actionsOf(account)).slice(2)).toEqual(['papercups.create', 'papercups.put', 'papercups.delete']);
    const targets = new Set((await entriesOf(account)).slice(2).map(({ target }) => target.id));
    expect([...targets]).toEqual([expect.stringMatching(/^sub_/)]);
  });

  it('regression: records what the request changed, even if its verification ends before the response', async () => {
    const quick = await openTestApi({
      // The verification ends before the request continues.
      async enqueue(queue, due) {
        quick.jobs.push(...due.map((one) => ({ ...one, queue })));
        await quick.work();
        return true;
      },
    });
    const account = await quick.account();
    const key = await quick.key(account);
    const subscriptions = `/v1/accounts/${account}/subscriptions`;
    const [first, second, third] = ['first', 'second', 'third'].map((path) => `https://hooks.example.com/${path}`);
    const { id } = (await quick.call('POST', subscriptions, { body: { url: first } })).json;
    await quick.call('PATCH', `${subscriptions}/${id}`, { body: { url: `${second}?token=hush` } });
    quick.respond(() => REFUSED);
    const idle = (await quick.call('POST', subscriptions, { body: { url: first } })).json.id;
    quick.respond(echo);
    await quick.call('POST', `${subscriptions}/${idle}/verify`);
    const theirs = '/api/event_subscriptions';
    const sent = (url: string | undefined) => ({ key, body: { event_subscription: { webhook_url: url } } });
    const { data } = (await quick.call('POST', theirs, sent(first))).json;
    await quick.call('PUT', `${theirs}/${data.id}`, sent(third));
    for (const one of (await quick.call('GET', subscriptions)).json.data)
      expect(one).toMatchObject({ status: 'active', pendingUrl: null });

    const entries: Entry[] = (await quick.call('GET', `/v1/accounts/${account}/audit`)).json.data.toReversed();
    await quick.close();
    const made = { url: { from: null, to: first }, status: { from: null, to: 'unverified' } };
    expect(entries.slice(2).map(({ action, changes }) => [action, changes])).toEqual([
      ['subscriptions.create', expect.objectContaining(made)],
      ['subscriptions.change', { pendingUrl: { from: null, to: second }, query: { changed: true } }],
      ['subscriptions.create', expect.objectContaining(made)],
      ['subscriptions.verify', {}],
      ['papercups.create', expect.objectContaining(made)],
      ['papercups.put', { pendingUrl: { from: null, to: third } }],
    ]);
  });

  it('outlives its account, and can be filtered by account, actor, action and time', async () => {
    const account = await api.account();
    const key = await api.key(account);
    await api.call('DELETE', `/v1/accounts/${account}`, { key });
    await api.call('DELETE', `/v1/accounts/${account}`);
    const list = async (query: string) =>
      (await api.call('GET', `/v1/audit?account=${account}&${query}`)).json.data.map(({ action }: Entry) => action);
    expect(await list('')).toEqual(['accounts.delete', 'keys.create', 'accounts.put']);
    expect(await list('actor=account')).toEqual([]);
    expect(await list('action=keys.create')).toEqual(['keys.create']);
    expect(await list(`to=${new Date(Date.now() - 600_000).toISOString()}`)).toEqual([]);
    expect(await list(`from=${new Date(Date.now() - 600_000).toISOString()}&limit=1`)).toEqual(['accounts.delete']);
    const first = (await api.call('GET', `/v1/audit?account=${account}&limit=2`)).json;
    expect(await list(`limit=2&cursor=${first.nextCursor}`)).toEqual(['accounts.put']);
  });

  it('can be filtered by a key or session, for operators and for its account', async () => {
    const account = await api.account();
    const [first, second] = [await api.key(account), await api.key(account)];
    const subscription = await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/subscriptions/${subscription}`;
    await api.call('POST', `${path}/pause`, { key: first });
    await api.call('POST', `${path}/resume`, { key: second });
    await api.call('DELETE', '/v1/session', { key: await api.portal(account) });
    const all = await entriesOf(account);
    const did = (action: string) => all.find((entry) => entry.action === action)?.actor.id;
    for (const base of ['/v1/audit', `/v1/accounts/${account}/audit`]) {
      const list = async (query: string) =>
        (await api.call('GET', `${base}?${query}`)).json.data.map(({ action }: Entry) => action);
      expect(await list(`actorId=${did('subscriptions.pause')}`)).toEqual(['subscriptions.pause']);
      expect(await list(`actorId=${did('subscriptions.resume')}&actor=account`)).toEqual(['subscriptions.resume']);
      expect(await list(`actorId=${did('subscriptions.resume')}&actor=portal`)).toEqual([]);
      expect(await list(`actorId=${did('session.end')}`)).toEqual(['session.end', 'portals.open']);
      expect(await list('actorId=key_00000000000000000000000000')).toEqual([]);
      expect(await api.call('GET', `${base}?actorId=${subscription}`)).toMatchObject({
        status: 422,
        json: { errors: [{ path: 'actorId' }] },
      });
    }
  });

  it('hides the addresses of operators from accounts', async () => {
    const account = await api.account();
    const key = await api.key(account);
    await api.call('PUT', `/v1/accounts/${account}`, { body: { name: 'by the operator' } });
    expect((await entriesOf(account, key)).map(({ address }) => address)).toEqual([null, null, null]);
    expect((await entriesOf(account)).map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  });

  it('a change is not made if its entry cannot be begun', async () => {
    const account = await api.account();
    const { pool } = api.deps.db;
    await pool.query('ALTER TABLE audit_entries RENAME TO audit_away');
    const response = await api.call('PUT', `/v1/accounts/${account}`, { body: { name: 'x' } });
    await pool.query('ALTER TABLE audit_away RENAME TO audit_entries');
    expect(response.status).toBe(500);
    expect((await api.call('GET', `/v1/accounts/${account}`)).json.name).toBeNull();
  });

  it('returns an error if the entry of a change cannot be completed, and the entry stays begun', async () => {
    const account = await api.account();
    const { pool } = api.deps.db;
    await pool.query('ALTER TABLE audit_entries ADD CONSTRAINT never_done CHECK (done_at IS NULL) NOT VALID');
    const response = await api.call('PUT', `/v1/accounts/${account}`, { body: { name: 'made all the same' } });
    await pool.query('ALTER TABLE audit_entries DROP CONSTRAINT never_done');
    expect(response.status).toBe(500);
    expect((await api.call('GET', `/v1/accounts/${account}`)).json.name).toBe('made all the same');
    const [created, changed] = await entriesOf(account);
    expect(created).toMatchObject({ doneAt: expect.any(String) });
    expect(changed).toMatchObject({
      action: 'accounts.put',
      target: { id: account },
      actor: { kind: 'operator' },
      doneAt: null,
    });
  });

  it('a running request has a begun entry, and its rejection leaves none', async () => {
    const account = await api.account();
    const { pool } = api.deps.db;
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE event_types IN SHARE MODE');
    const removing = api.call('DELETE', '/v1/event-types/no:such');
    await waitFor(async () => (await begun()) === 1);
    await client.query('ROLLBACK');
    client.release();
    expect((await removing).status).toBe(404);
    expect(await begun()).toBe(0);
    await api.call('DELETE', `/v1/accounts/${account}/keys/key_00000000000000000000000000`);
    expect(await actionsOf(account)).toEqual(['accounts.put']);

    async function begun(): Promise<number> {
      const { rows } = await pool.query(
        `SELECT count(*)::int AS count FROM audit_entries WHERE action = 'eventTypes.delete' AND done_at IS NULL`,
      );
      return rows[0].count;
    }
  });
});
