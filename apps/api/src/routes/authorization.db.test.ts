import { type Scope, SCOPES } from '@posthorn/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Method, openTestApi, type TestApi } from '../api.test-support.js';
import { openDigests } from '../digest-tables.test-support.js';
import type { Document } from '../document-check.test-support.js';

// All operations of /v1 with their callers: an account key or a portal with this scope (or these), anyone with a key, the operator,
// or everyone.
type Allowed = Scope | readonly Scope[] | 'anyone' | 'operator' | 'public';
const ALLOWED: Record<string, Allowed> = {
  'accounts.put': 'operator',
  'accounts.list': 'operator',
  'accounts.get': 'operator',
  'accounts.delete': 'operator',
  'keys.create': 'operator',
  'keys.list': 'operator',
  'keys.revoke': 'operator',
  'session.create': 'public',
  'session.get': 'anyone',
  'session.end': 'anyone',
  'signInLinks.create': 'operator',
  'signInLinks.open': 'public',
  'boardLinks.create': 'operator',
  'sessions.list': 'operator',
  'sessions.endAll': 'operator',
  'sessions.end': 'operator',
  'portals.create': 'operator',
  'portals.endAll': 'operator',
  'portals.open': 'public',
  'eventTypes.list': 'anyone',
  'eventTypes.get': 'anyone',
  'eventTypes.listSchemas': 'anyone',
  'eventTypes.import': 'operator',
  'eventTypes.put': 'operator',
  'eventTypes.delete': 'operator',
  'subscriptions.create': 'subscriptions:write',
  'subscriptions.list': 'subscriptions:read',
  'subscriptions.search': 'operator',
  'subscriptions.get': 'subscriptions:read',
  'subscriptions.change': 'subscriptions:write',
  'subscriptions.delete': 'subscriptions:write',
  'subscriptions.verify': 'subscriptions:write',
  'subscriptions.pause': 'subscriptions:write',
  'subscriptions.resume': 'subscriptions:write',
  'subscriptions.disable': 'subscriptions:write',
  'subscriptions.getSecret': 'secrets:read',
  'subscriptions.rotateSecret': ['subscriptions:write', 'secrets:read'],
  'subscriptions.test': 'subscriptions:write',
  'subscriptions.testFilter': 'events:read',
  'events.publish': 'events:write',
  'events.publishBatch': 'events:write',
  'events.findMissing': 'events:read',
  'events.list': 'events:read',
  'events.get': 'events:read',
  'deliveries.list': 'deliveries:read',
  'deliveries.count': 'deliveries:read',
  'deliveries.export': 'deliveries:read',
  'events.export': 'events:read',
  'exportLinks.create': 'deliveries:read',
  'exportLinks.createForEvents': 'events:read',
  'exportLinks.get': 'anyone',
  'exportLinks.open': 'public',
  'waiting.get': 'deliveries:read',
  'deliveries.get': 'deliveries:read',
  'deliveries.retry': 'deliveries:write',
  'replays.start': 'deliveries:write',
  'replays.startForAccounts': 'operator',
  'replays.listAll': 'operator',
  'replays.getAny': 'operator',
  'replays.listAccounts': 'operator',
  'replays.cancelAny': 'operator',
  'replays.list': 'deliveries:read',
  'replays.get': 'deliveries:read',
  'replays.cancel': 'deliveries:write',
  'queues.get': 'operator',
  'queues.listDepths': 'operator',
  'settings.get': 'operator',
  'stream.ofAccount': 'deliveries:read',
  'stream.ofAll': 'operator',
  'stream.ofEvents': 'events:read',
  'attention.list': 'operator',
  'attention.listOfAccount': 'subscriptions:read',
  'audit.list': 'operator',
  'audit.export': 'operator',
  'audit.exportOfAccount': 'subscriptions:read',
  'audit.listOfAccount': 'subscriptions:read',
  'stats.get': 'deliveries:read',
  'stats.getAll': 'operator',
  'lookup.get': 'anyone',
  'emailRecipients.list': 'subscriptions:read',
  'emailRecipients.add': 'subscriptions:write',
  'emailRecipients.remove': 'subscriptions:write',
};

const BODIES: Record<string, unknown> = {
  'accounts.put': { name: 'stolen' },
  'keys.create': { name: 'stolen' },
  'session.create': { key: 'phk_nobody' },
  'signInLinks.open': { token: 'pho_nobody' },
  'portals.create': { capabilities: [...SCOPES] },
  'portals.open': { token: 'phl_nobody' },
  'eventTypes.put': { description: 'stolen' },
  'eventTypes.import': { openapi: '3.1.0', webhooks: { stolen: { post: {} } } },
  'emailRecipients.add': { address: 'thief@example.com' },
  'subscriptions.create': { url: 'https://thief.example.com/' },
  'subscriptions.change': { url: 'https://thief.example.com/', description: 'stolen' },
  'subscriptions.disable': { deliveries: 'cancel' },
  'subscriptions.rotateSecret': { overlapSeconds: 0 },
  'subscriptions.test': {},
  'subscriptions.testFilter': { filter: 'exists($.body)' },
  'replays.start': { since: '2020-01-01T00:00:00Z', which: 'failed' },
  'replays.startForAccounts': { since: '2020-01-01T00:00:00Z', which: 'failed' },
  'events.publish': { event: 'message:created', payload: {} },
  'events.publishBatch': { events: [{ event: 'message:created', payload: {} }] },
  'events.findMissing': { events: [{ idempotencyKey: 'stolen' }] },
};

interface Operation {
  id: string;
  method: Method;
  path: string;
}
interface Objects extends Record<string, string> {
  account: string;
  subscription: string;
  event: string;
  delivery: string;
  replay: string;
  key: string;
  session: string;
  recipient: string;
  link: string;
  /** A key with every scope. */
  secret: string;
}

let api: TestApi;
let operations: Operation[];
let mine: Objects;
let theirs: Objects;
/** A digest of every table except the audit log. */
let contents: Awaited<ReturnType<typeof openDigests>>;

beforeAll(async () => {
  api = await openTestApi();
  operations = operationsOf(api.document);
  mine = await objects();
  theirs = await objects();
  contents = await openDigests(api.deps.db, { except: ['audit_entries'] });
});
afterAll(() => api.close());

const METHODS: Record<string, Method> = { get: 'GET', post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' };

const operationsOf = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({
      id: operationId,
      method: METHODS[method] ?? 'GET',
      path,
    })),
  );

/** An account with one object of each kind. */
async function objects(): Promise<Objects> {
  const account = await api.account();
  const secret = await api.key(account);
  const subscription = await api.activeSubscription(account);
  const event = (await api.call('POST', `/v1/accounts/${account}/events`, { body: BODIES['events.publish'] })).json.id;
  await api.deps.publisher.drain();
  await api.work();
  const delivery = (await api.call('GET', `/v1/accounts/${account}/deliveries`)).json.data[0].id;
  const start = `/v1/accounts/${account}/replays`;
  const replay = (await api.call('POST', start, { body: BODIES['replays.start'] })).json.id;
  await api.call('POST', `/v1/accounts/${account}/replays/${replay}/cancel`); // so that another one can be started
  const key = (await api.call('GET', `/v1/accounts/${account}/keys`)).json.data[0].id;
  const session = (await api.call('POST', `/v1/accounts/${account}/portal-sessions`, { body: {} })).json.id;
  const address = `jo-${account}@example.com`.toLowerCase();
  const recipient = (await api.call('POST', `/v1/accounts/${account}/email-recipients`, { body: { address } })).json.id;
  const link = (await api.call('POST', `/v1/accounts/${account}/export-links`)).json.id;
  return { account, subscription, event, delivery, replay, key, session, recipient, link, secret };
}

const urlOf = (path: string, ids: Objects) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => ({ ...ids, name: 'message:created', id: ids.delivery })[name] ?? '');
const call = ({ id, method, path }: Operation, ids: Objects, key: string | null) =>
  api.call(method, urlOf(path, ids), { key, ...(id in BODIES && { body: BODIES[id] }) });
const of = (id: string): Operation => {
  const found = operations.find((operation) => operation.id === id);
  if (!found) throw new Error(`no operation ${id}`);
  return found;
};
const inAccount = Object.keys(ALLOWED).filter(
  (id) =>
    !/^(accounts\.list|(portals|exportLinks)\.open|(signInLinks|boardLinks)\.\w+|stream\.ofAll|(attention|audit)\.(list|export)|subscriptions\.search|settings\.get|replays\.(startForAccounts|listAll|getAny|listAccounts|cancelAny)|(eventTypes|queues|sessions?)\..+|stats\.getAll|lookup\.get)$/.test(
      id,
    ),
);
const ofAnObject = inAccount.filter(
  (id) =>
    !/^(accounts|stats|waiting)\.|\.(list|count|export|create|createForEvents|exportOfAccount|add|start|endAll|ofAccount|ofEvents|listOfAccount|publish|publishBatch|findMissing|testFilter)$/.test(
      id,
    ),
);
const locked = Object.keys(ALLOWED).filter((id) => ALLOWED[id] !== 'public');
const scopesOf = (allowed: Allowed | undefined): Scope[] =>
  allowed === undefined || allowed === 'anyone' || allowed === 'operator' || allowed === 'public'
    ? []
    : [allowed].flat();
const scoped = Object.keys(ALLOWED).flatMap((id) => scopesOf(ALLOWED[id]).map((scope) => [id, scope] as const));

describe('every operation', () => {
  it('of /v1 is in ALLOWED', () => {
    const v1 = operations.filter(({ path }) => path.startsWith('/v1')).map(({ id }) => id);
    expect(v1.toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
  });

  it.each(locked)('%s: 401 without a key, with a wrong key, and with half of the operator key', async (id) => {
    for (const key of [null, 'phk_nobody', api.deps.operatorKey.slice(0, -1)]) {
      const { status, json, headers } = await call(of(id), mine, key);
      expect([status, json.code, headers['www-authenticate']]).toEqual([401, 'unauthenticated', 'Bearer']);
    }
  });
});

describe('an object of another account is a 404, exactly like an unknown one (X11)', () => {
  it.each(inAccount)('%s, with a key of another account', async (id) => {
    const before = await contents();
    const foreign = await call(of(id), theirs, mine.secret);
    const unknown = await call(of(id), { ...theirs, account: 'nobody' }, mine.secret);
    expect(foreign.status).toBe(404);
    expect({ ...foreign.json, requestId: '' }).toEqual({ ...unknown.json, requestId: '' });
    expect(await contents()).toEqual(before);
  });

  it.each(ofAnObject)('%s, by its id below the caller’s account', async (id) => {
    const before = await contents();
    for (const key of [mine.secret, api.deps.operatorKey]) {
      const allowed = ALLOWED[id] !== 'operator' || key === api.deps.operatorKey;
      const { status } = await call(of(id), { ...theirs, account: mine.account }, key);
      expect(status).toBe(allowed ? 404 : 403);
    }
    expect(await contents()).toEqual(before);
  });
});

describe('a deleted account is unknown while its rows still exist', () => {
  let gone: Objects;
  let portal: string;
  beforeAll(async () => {
    gone = await objects();
    portal = await api.portal(gone.account, SCOPES);
    await api.call('DELETE', `/v1/accounts/${gone.account}`);
  });
  // For PUT and DELETE see accounts.db.test.ts.
  it.each(inAccount.filter((id) => !/^accounts\.(put|delete)$/.test(id)))('%s', async (id) => {
    const before = await contents();
    const deleted = await call(of(id), gone, api.deps.operatorKey);
    const unknown = await call(of(id), { ...gone, account: 'nobody' }, api.deps.operatorKey);
    expect([deleted.status, { ...deleted.json, requestId: '' }]).toEqual([404, { ...unknown.json, requestId: '' }]);
    for (const key of [gone.secret, portal]) expect((await call(of(id), gone, key)).status).toBe(401);
    expect(await contents()).toEqual(before);
  });

  it('lookup.get', async () => {
    for (const id of [gone.subscription, gone.event, gone.delivery, gone.replay, gone.key])
      expect((await api.call('GET', `/v1/lookup/${id}`)).status).toBe(404);
  });
});

describe('the error for a missing scope names it (X13)', () => {
  it.each(scoped)('%s requires only %s', async (id, scope) => {
    const others = await api.key(
      mine.account,
      SCOPES.filter((other) => other !== scope),
    );
    const { status, json } = await call(of(id), mine, others);
    expect([status, json.code]).toEqual([403, 'forbidden']);
    expect(json.detail).toContain(scope);
    const own = await objects();
    const { status: allowed } = await call(of(id), own, await api.key(own.account, scopesOf(ALLOWED[id])));
    expect(allowed).toBeLessThan(300);
  });

  it.each(Object.keys(ALLOWED).filter((id) => ALLOWED[id] === 'operator'))(
    '%s requires the operator key',
    async (id) => {
      const before = await contents();
      const { status, json } = await call(of(id), mine, mine.secret);
      expect([status, json.code]).toEqual([403, 'forbidden']);
      expect(json.detail).toContain('operator key');
      expect(await contents()).toEqual(before);
    },
  );
});

// The API enforces the capabilities, whatever the page of the portal shows.
describe('a portal has only its capabilities, only in its account', () => {
  it.each(scoped)('%s requires only the capability %s', async (id, scope) => {
    const lacking = await api.portal(
      mine.account,
      SCOPES.filter((other) => other !== scope),
    );
    const before = await contents();
    const refused = await call(of(id), mine, lacking);
    expect([refused.status, refused.json.code]).toEqual([403, 'forbidden']);
    expect(refused.json.detail).toContain(scope);
    expect(await contents()).toEqual(before);
    const own = await objects();
    expect((await call(of(id), own, await api.portal(own.account, scopesOf(ALLOWED[id])))).status).toBeLessThan(300);
  });

  it.each(locked.filter((id) => ALLOWED[id] === 'operator'))('%s requires the operator key', async (id) => {
    const everything = await api.portal(mine.account, SCOPES);
    const before = await contents();
    expect((await call(of(id), mine, everything)).status).toBe(403);
    expect(await contents()).toEqual(before);
  });

  it.each(inAccount)('%s of another account is a 404', async (id) => {
    const everything = await api.portal(mine.account, SCOPES);
    const before = await contents();
    expect((await call(of(id), theirs, everything)).status).toBe(404);
    expect(await contents()).toEqual(before);
  });

  it('by default it may do everything but publish, and sees the signing secret', async () => {
    const usual = await api.portal(mine.account);
    for (const id of ['events.publish', 'events.publishBatch']) {
      expect((await call(of(id), mine, usual)).status).toBe(403);
    }
    for (const id of ['subscriptions.list', 'subscriptions.getSecret']) {
      expect((await call(of(id), mine, usual)).status).toBe(200);
    }
  });
});
