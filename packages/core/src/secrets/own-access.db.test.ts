import { type AuthenticationInput, MASK } from '@posthorn/contract';
import { checkClientCertificate } from '@posthorn/sender';
import { makeCertificate, makeCertificates } from '@posthorn/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { challengeOf, type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { deleteAccount } from '../accounts/delete-account.js';
import { changeSubscription, type SubscriptionChanges } from '../subscriptions/change-subscription.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { requestVerification } from '../subscriptions/request-verification.js';
import type { Subscription } from '../subscriptions/subscription.js';
import { type EnteredAuthentication, readAuthentication } from './own-access.js';
import { originOf } from './own-headers.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const { key: privateKey, authority, valid: certificate, expired } = makeCertificates();
const OLD = 'https://hooks.example.com/webhook';
const NEW = 'https://other.example.com/';
const TOKEN_URL = 'https://login.example.com/token';
const oauth2 = {
  type: 'oauth2',
  tokenUrl: TOKEN_URL,
  clientId: 'posthorn',
  clientSecret: 'hush',
  clientAuthentication: 'client_secret_basic',
} as const satisfies AuthenticationInput;
const stored = { ...oauth2, scope: null, audience: null };
const isHandshake = (body: Uint8Array) => Buffer.from(body).includes('webhook:verify');
const echo: Ledger['results'][number] = ({ body }) =>
  isHandshake(body) ? { body: Buffer.from(challengeOf(body)) } : {};
const refusal: Ledger['results'][number] = { body: Buffer.from('no') };

/** A verified subscription to OLD with this authentication. */
async function authenticated(authentication: AuthenticationInput = oauth2): Promise<Subscription> {
  const subscription = await ledger.activeSubscription(await ledger.account(), { url: OLD });
  return (await change(subscription, { authentication })).subscription;
}

type Changes = Omit<SubscriptionChanges, 'authentication'> & { authentication?: AuthenticationInput };
const enter = (entered: AuthenticationInput): EnteredAuthentication => ({ entered, checkClientCertificate });

const attemptChange = (
  { accountId, id }: Pick<Subscription, 'accountId' | 'id'>,
  { authentication, ...others }: Changes,
) => {
  const changes = { ...others, ...(authentication !== undefined && { authentication: enter(authentication) }) };
  return changeSubscription(ledger, { accountId, id, changes });
};

async function change(subscription: Pick<Subscription, 'accountId' | 'id'>, changes: Changes) {
  const result = await attemptChange(subscription, changes);
  if (result.outcome !== 'changed') throw new Error(JSON.stringify(result));
  return result;
}

/** Returns the URL and the authentication of each request that is sent now. */
async function sent(...results: Ledger['results']) {
  ledger.posts.length = 0;
  ledger.results.splice(0, ledger.results.length, ...results);
  await ledger.settle();
  return ledger.posts.map(({ url, access }) => [url, access?.authentication ?? null]);
}

async function publish({ accountId }: Pick<Subscription, 'accountId'>): Promise<void> {
  await ledger.publish(accountId);
  await ledger.publisher.drain();
}

describe('the authentication of a subscription', () => {
  it('goes with its handshakes and deliveries, and is encrypted for it alone', async () => {
    const subscription = await authenticated();
    await publish(subscription);
    await requestVerification(ledger, subscription);
    expect(await sent(echo)).toEqual([
      [OLD, stored],
      [OLD, stored],
    ]);
    expect(ledger.posts.map(({ access }) => access?.owner)).toEqual([subscription.id, subscription.id]);
    expect(Buffer.from(subscription.authenticationSealed ?? []).includes('hush')).toBe(false);
    const other = await authenticated(null);
    await ledger.db.pool.query(
      `UPDATE subscriptions s SET authentication_sealed = o.authentication_sealed, authentication_origin = o.authentication_origin
       FROM subscriptions o WHERE s.id = $1 AND o.id = $2`,
      [other.id, subscription.id],
    );
    const row = await ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id: other.id } });
    expect(() => readAuthentication(ledger, row)).toThrow();
  });

  it('is not sent to a URL of another origin, and still to the old one', async () => {
    const subscription = await authenticated();
    expect(await change(subscription, { url: NEW })).toMatchObject({ authenticationDropped: true });
    await publish(subscription);
    expect(await sent(refusal)).toEqual([
      [NEW, null],
      [OLD, stored],
    ]);
    await requestVerification(ledger, subscription);
    expect(await sent(echo)).toEqual([[NEW, null]]);
    await publish(subscription);
    expect(await sent({})).toEqual([[NEW, null]]);
  });

  it('is kept for another path, and dropped for another scheme, host or port', async () => {
    const { authenticationDropped } = await change(await authenticated(), { url: `${OLD}/v2` });
    expect(authenticationDropped).toBe(false);
    expect(await sent(echo)).toEqual([[`${OLD}/v2`, stored]]);
    for (const url of ['http://hooks.example.com/webhook', 'https://hooks.example.com:8443/webhook']) {
      await change(await authenticated(), { url });
      expect(await sent(echo)).toEqual([[url, null]]);
    }
  });

  it('of a change that also changes the URL is for the new one', async () => {
    const subscription = await authenticated();
    const other = { ...oauth2, clientId: 'other' };
    const { authenticationDropped } = await change(subscription, { url: NEW, authentication: other });
    expect(authenticationDropped).toBe(false);
    await publish(subscription);
    expect(await sent(refusal)).toEqual([
      [NEW, { ...stored, clientId: 'other' }],
      [OLD, stored],
    ]);
    await requestVerification(ledger, subscription);
    expect(await sent(echo)).toEqual([[NEW, { ...stored, clientId: 'other' }]]);
    await publish(subscription);
    expect(await sent({})).toEqual([[NEW, { ...stored, clientId: 'other' }]]);
  });

  it('keeps a masked client secret for the same token server only', async () => {
    const subscription = await authenticated();
    await change(subscription, { authentication: { ...oauth2, clientSecret: MASK, scope: 'a' } });
    await publish(subscription);
    expect(await sent({})).toEqual([[OLD, { ...stored, scope: 'a' }]]);
    for (const [changes, field] of [
      [
        { authentication: { ...oauth2, clientSecret: MASK, tokenUrl: 'https://evil.example.com/token' } },
        'clientSecret',
      ],
      [{ authentication: { ...oauth2, clientSecret: MASK }, url: NEW }, 'clientSecret'],
      [{ authentication: { type: 'clientCertificate', certificate, privateKey: MASK } }, 'privateKey'],
    ] satisfies [Changes, string][]) {
      const refused = { outcome: 'authentication_refused', field, reason: expect.stringContaining('send the value') };
      expect(await attemptChange(subscription, changes)).toEqual(refused);
    }
    await publish(subscription);
    expect(await sent({})).toEqual([[OLD, { ...stored, scope: 'a' }]]);
  });

  it('can be a client certificate, whose key a renewed certificate may keep', async () => {
    const subscription = await authenticated({ type: 'clientCertificate', certificate, privateKey });
    await change(subscription, { authentication: { type: 'clientCertificate', certificate, privateKey: MASK } });
    await publish(subscription);
    expect(await sent({})).toEqual([[OLD, { type: 'clientCertificate', certificate, privateKey }]]);
    const other = makeCertificate();
    for (const [authentication, url, field, reason] of [
      [{ certificate: expired, privateKey }, OLD, 'certificate', 'expired on 2021-01-01'],
      [{ certificate: other.cert, privateKey: MASK }, OLD, 'privateKey', 'does not belong'],
      [{ certificate, privateKey }, 'http://hooks.example.com/', 'type', 'the URL is not https'],
    ] as const) {
      expect(
        await attemptChange(subscription, { url, authentication: { type: 'clientCertificate', ...authentication } }),
      ).toMatchObject({ outcome: 'authentication_refused', field, reason: expect.stringContaining(reason) });
    }
  });

  it('a new subscription has no masked secret', async () => {
    const input = { accountId: await ledger.account(), url: OLD, events: [] };
    const masked = { ...input, authentication: enter({ ...oauth2, clientSecret: MASK }) };
    expect(await createSubscription(ledger, masked, { maxSubscriptions: 1_000 })).toMatchObject({
      outcome: 'authentication_refused',
      field: 'clientSecret',
    });
    const created = await createSubscription(
      ledger,
      { ...input, authentication: enter(oauth2) },
      { maxSubscriptions: 1_000 },
    );
    expect(created.outcome).toBe('created');
    expect(await sent(echo)).toEqual([[OLD, stored]]);
  });

  it('null removes it; certificate authorities are separate and stay with another origin', async () => {
    const subscription = await authenticated();
    await change(subscription, { authentication: null, certificateAuthorities: authority });
    await publish(subscription);
    expect(await sent({})).toEqual([[OLD, null]]);
    expect(ledger.posts[0]?.access).toEqual({
      owner: subscription.id,
      authentication: null,
      certificateAuthorities: authority,
    });
    await change(subscription, { url: NEW });
    await sent(echo);
    expect(ledger.posts[0]?.access).toMatchObject({ certificateAuthorities: authority });
    await change(subscription, { certificateAuthorities: null });
    await publish(subscription);
    await sent({});
    expect(ledger.posts[0]?.access).toBeNull();
  });

  it.each(['the subscription', 'its account'])('is erased with %s, with that of a pending URL', async (deleted) => {
    const subscription = await authenticated();
    await change(subscription, {
      url: NEW,
      authentication: { ...oauth2, clientId: 'other' },
      certificateAuthorities: authority,
    });
    if (deleted === 'the subscription') await deleteSubscription(ledger, subscription);
    else await deleteAccount(ledger, { id: subscription.accountId });
    const { rows } = await ledger.db.pool.query(
      `SELECT authentication_sealed, authentication_origin, pending_authentication_sealed, pending_authentication_origin,
         certificate_authorities FROM subscriptions WHERE id = $1`,
      [subscription.id],
    );
    expect(rows.flatMap((row) => Object.values(row)).filter((value) => value !== null)).toEqual([]);
  });

  it('cannot be combined with a URL of another origin in the ledger', async () => {
    const { id } = await authenticated();
    const set = (assignments: string) =>
      ledger.db.pool.query(`UPDATE subscriptions SET ${assignments} WHERE id = $1`, [id]);
    const check = 'subscriptions_authentication_origin_check';
    await expect(set(`url = '${NEW}'`)).rejects.toThrow(check);
    await expect(set(`authentication_origin = '${originOf(NEW)}'`)).rejects.toThrow(check);
    await expect(set('authentication_origin = NULL')).rejects.toThrow(check);
    await expect(set(`pending_url = '${NEW}', pending_authentication_sealed = authentication_sealed`)).rejects.toThrow(
      'subscriptions_pending_authentication_origin_check',
    );
  });
});

it('costs a delivery no statement and no row read, whether it is used or not; unused, the request has none', async () => {
  const one = openSingleConnection(ledger.db);
  const deps = { ...ledger, db: { ...ledger.db, pool: one } };
  async function costOf(subscription: Subscription) {
    const worker = ledger.attempter(deps);
    await ledger.publish(subscription.accountId);
    await ledger.publisher.drain();
    const query = vi.spyOn(one, 'query');
    const before = await rowsRead();
    query.mockClear();
    for (const job of ledger.jobs.splice(0)) await worker.attempt(job, new AbortController().signal);
    const statements = query.mock.calls.length;
    query.mockRestore();
    await worker.drain();
    return { statements, rows: (await rowsRead()) - before };
  }
  async function rowsRead(): Promise<number> {
    await one.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await one.query<{ count: number }>(
      `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 AS count FROM pg_stat_user_tables
       WHERE relname = ANY ('{pending_deliveries,subscriptions,secrets,accounts}')`,
    );
    return rows[0]?.count ?? Infinity;
  }
  ledger.results[0] = {};
  const plain = await ledger.activeSubscription(await ledger.account());
  const used = await authenticated();
  await costOf(plain); // plans its statements
  const costs = [await costOf(plain), await costOf(used), await costOf(plain)];
  await one.end();
  expect(costs[0]?.statements).toBeGreaterThan(0);
  expect(costs[1]?.statements).toBe(costs[0]?.statements);
  expect(costs[2]?.rows).toBe(costs[0]?.rows);
  expect(ledger.posts.map(({ access }) => access?.authentication ?? access)).toEqual([null, null, stored, null]);
});
