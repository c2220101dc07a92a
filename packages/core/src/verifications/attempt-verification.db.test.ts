import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isWaitingForLock, waitFor } from '@posthorn/testing';
import { type Ledger, challengeOf, openLedger, silent } from '../ledger.test-support.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { type Subscription, SUBSCRIPTION_PARTS } from '../subscriptions/subscription.js';
import { requestVerification } from '../subscriptions/request-verification.js';
import { VERIFICATIONS_PER_MINUTE, checkWebhookUrl } from './start-verification.js';
import { openVerificationWait } from './wait-for-verification.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const echo: Ledger['results'][number] = ({ body }) => ({ body: Buffer.from(challengeOf(body)) });
const OTHER = 'https://other.example.com/';
const CONNECTIONS = 10; // of the ledger's pool

const createOf = (accountId: string) =>
  createSubscription(ledger, { accountId, url: OTHER, events: [] }, { maxSubscriptions: 1_000 });

/** Locks the account in a transaction on another connection, as another process would. */
async function lockedAccount(accountId: string) {
  const client = await ledger.db.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE', [accountId]);
  return client;
}

/** Longer than any test. */
const NEVER_MS = 1_000_000;
const silence = { outcome: 'timeout', statusCode: null } as const;
const reload = (id: string) =>
  ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id }, include: SUBSCRIPTION_PARTS });

async function newSubscription(url = 'https://hooks.example.com/'): Promise<Subscription> {
  const input = { accountId: await ledger.account(), url, events: [] };
  const created = await createSubscription(ledger, input, { maxSubscriptions: 1_000 });
  if (created.outcome !== 'created') throw new Error(created.outcome);
  return created.subscription;
}

describe('verification', () => {
  it('an echo activates the subscription, and the response is stored', async () => {
    const { id, status } = await newSubscription();
    expect(status).toBe('unverified');
    ledger.results.push(echo);
    await ledger.work();
    const subscription = await reload(id);
    expect(subscription).toMatchObject({
      status: 'active',
      verification: { status: 'verified', reason: null, statusCode: 200, attemptCount: 1, leasedUntil: null },
    });
    const where = { verificationId: subscription.verificationId ?? '' };
    expect(await ledger.db.prisma.verificationAttempt.findMany({ where })).toMatchObject([
      { outcome: 'ok', number: 1 },
    ]);
    expect(ledger.posts[0]?.secrets).toHaveLength(1);
  });

  it('a wrong response fails at once with its reason and content; the subscription stays unverified', async () => {
    const { id } = await newSubscription();
    ledger.results.push({ body: Buffer.from('{"ok":true}') });
    await ledger.work();
    const { status, verification } = await reload(id);
    expect(status).toBe('unverified');
    expect(verification).toMatchObject({ status: 'failed', reason: 'mismatch', attemptCount: 1 });
    expect(Buffer.from(verification?.responseBody ?? []).toString()).toBe('{"ok":true}');
    expect(ledger.jobs).toEqual([]);
  });

  it('keeps the beginning of a wrong response as text in UTF-8, whatever its charset', async () => {
    const { id } = await newSubscription();
    ledger.results.push({
      body: Buffer.from('Zugriff verweigert, Grüße'.padEnd(4_000, 'ü'), 'latin1'),
      responseHeaders: { 'content-type': 'text/plain; charset=iso-8859-1' },
    });
    await ledger.work();
    const stored = Buffer.from((await reload(id)).verification?.responseBody ?? []);
    expect(stored.toString()).toMatch(/^Zugriff verweigert, Grüßeüü/);
    expect(stored.length).toBeLessThanOrEqual(2 * 1024);
  });

  it('makes three attempts within 12 s without a response, and stores the reason meanwhile', async () => {
    const { id } = await newSubscription();
    ledger.results.push(silence);
    const waits: (number | undefined)[] = [];
    for (let number = 1; number <= 3; number += 1) {
      waits.push(ledger.jobs[0]?.delayMs);
      ledger.jobs.forEach((job) => delete job.delayMs);
      await workOnce();
      expect((await reload(id)).verification).toMatchObject({
        status: number === 3 ? 'failed' : 'pending',
        reason: 'timeout',
        attemptCount: number,
      });
    }
    expect(waits).toEqual([undefined, 2_000, 10_000]);
    expect(ledger.jobs).toEqual([]);

    async function workOnce() {
      await ledger.work();
    }
  });

  it('regression: an attempt that our shutdown aborts uses up none of the three', async () => {
    const { verificationId } = await newSubscription();
    ledger.results.push({ outcome: 'aborted', statusCode: null }, silence);
    const statuses: (string | undefined)[] = [];
    for (let number = 1; number <= 4; number += 1) {
      ledger.jobs.forEach((job) => delete job.delayMs);
      await ledger.work();
      const [verification] = await ledger.db.prisma.verification.findMany({ where: { id: verificationId ?? '' } });
      statuses.push(verification?.status);
      if (verification?.status !== 'pending') expect(verification?.attemptCount).toBe(4);
    }
    expect(statuses.at(-1)).toBe('failed');
  });

  it('regression: a result and a concurrent change of the URL do not deadlock', async () => {
    const { id, accountId, verificationId } = await newSubscription();
    ledger.jobs.length = 0;
    ledger.results.push(echo);
    const client = await ledger.db.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM subscriptions WHERE id = $1 FOR UPDATE', [id]);
    ledger.jobs.push({ queue: 'verify', id: verificationId ?? '', attemptNumber: 1 });
    const work = ledger.work();
    await waitFor(() => isWaitingForLock(ledger.db.pool));
    await client.query(`UPDATE verifications SET reason = NULL WHERE id = $1`, [verificationId]);
    await client.query('COMMIT');
    client.release();
    await work;
    expect(await ledger.db.prisma.subscription.findFirst({ where: { accountId } })).toMatchObject({ status: 'active' });
  });

  it('verifies a changed URL first; meanwhile and after a failure, the old URL keeps receiving events', async () => {
    const { id, accountId } = await ledger.activeSubscription(await ledger.account());
    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://new.example.com/' } });
    expect(await reload(id)).toMatchObject({
      url: 'https://hooks.example.com/webhook',
      pendingUrl: 'https://new.example.com/',
      status: 'active',
      verification: { status: 'pending' },
    });
    ledger.results.push({ body: Buffer.from('no') }, {});
    await ledger.work();
    expect(await reload(id)).toMatchObject({
      url: 'https://hooks.example.com/webhook',
      pendingUrl: 'https://new.example.com/',
      status: 'active',
      verification: { status: 'failed' },
    });
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    ledger.posts.length = 0;
    await ledger.work();
    expect(ledger.posts[0]?.url).toBe('https://hooks.example.com/webhook');
  });

  it('a verified new URL replaces the old one; setting the old URL again drops the change', async () => {
    const { id, accountId } = await ledger.activeSubscription(await ledger.account());
    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://new.example.com/' } });
    const dropped = await changeSubscription(ledger, {
      accountId,
      id,
      changes: { url: 'https://hooks.example.com/webhook' },
    });
    expect(dropped).toMatchObject({
      verificationId: null,
      subscription: { pendingUrl: null, verification: { status: 'verified' } },
    });
    ledger.results.push(echo);
    await ledger.work(); // the handshake with the new URL succeeds, but no longer counts
    expect(await reload(id)).toMatchObject({ url: 'https://hooks.example.com/webhook', pendingUrl: null });

    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://new.example.com/' } });
    await ledger.work();
    expect(await reload(id)).toMatchObject({ url: 'https://new.example.com/', pendingUrl: null, status: 'active' });
  });

  it('regression: a change without a URL keeps the verification', async () => {
    const { id, accountId } = await ledger.activeSubscription(await ledger.account());
    const changed = await changeSubscription(ledger, {
      accountId,
      id,
      changes: { scope: 'message:created', events: ['message:created'] },
    });
    expect(changed).toMatchObject({
      verificationId: null,
      subscription: { status: 'active', verification: { status: 'verified' } },
    });
  });

  it('a failed repeated verification leaves a working URL active', async () => {
    const { id, accountId } = await ledger.activeSubscription(await ledger.account());
    await requestVerification(ledger, { accountId, id });
    ledger.results.push({ outcome: 'http_error', statusCode: 404 });
    await ledger.work();
    expect(await reload(id)).toMatchObject({ status: 'active', verification: { status: 'failed', reason: 'status' } });
  });

  it('of two concurrent verifications only the last one counts', async () => {
    const { id, accountId } = await newSubscription();
    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://second.example.com/' } });
    ledger.results.push((request) =>
      request.url.includes('second') ? { body: Buffer.from('no') } : { body: Buffer.from(challengeOf(request.body)) },
    );
    await ledger.work();
    expect(await reload(id)).toMatchObject({
      url: 'https://second.example.com/',
      status: 'unverified',
      verification: { status: 'failed' },
    });
    expect(ledger.posts.map(({ url }) => url)).toEqual(['https://second.example.com/']);
  });

  it('repeats a handshake that our shutdown aborted', async () => {
    const { id } = await newSubscription();
    ledger.results.push({ outcome: 'aborted', statusCode: null }, echo);
    await ledger.work();
    expect(await reload(id)).toMatchObject({ status: 'active' });
  });

  it('verifies a URL without a subscription, signed as well; the wait ends with the first attempt', async () => {
    const accountId = await ledger.account();
    const started = await checkWebhookUrl(ledger, { accountId, url: 'https://bare.example.com/' });
    if (started.outcome !== 'started') throw new Error(started.outcome);
    ledger.results.push(silence);
    const id = started.verificationId;
    const waitForVerification = openVerificationWait({ db: ledger.db, log: silent });
    const waiting = waitForVerification({ id, timeoutMs: NEVER_MS });
    await ledger.work();
    await waiting;
    expect(await ledger.db.prisma.verification.findUnique({ where: { id } })).toMatchObject({
      status: 'pending',
      attemptCount: 1,
      reason: 'timeout',
    });
    expect(ledger.posts[0]?.secrets).toHaveLength(1);
    await waitForVerification({ id: crypto.randomUUID(), timeoutMs: NEVER_MS });
  });

  it('requests that wait for a handshake share one statement per round', async () => {
    const { pool } = ledger.db;
    const looks: number[] = [];
    const counted = {
      query: (statement: { text: string; values: [string[]] }) => {
        looks.push(statement.values[0].length);
        return pool.query(statement);
      },
    };
    const waitForVerification = openVerificationWait({ db: { pool: counted as typeof pool }, log: silent });
    const started = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const accountId = await ledger.account();
        return checkWebhookUrl(ledger, { accountId, url: 'https://bare.example.com/' });
      }),
    );
    const waits = started.map((one) => {
      if (one.outcome !== 'started') throw new Error(one.outcome);
      return waitForVerification({ id: one.verificationId, timeoutMs: NEVER_MS });
    });
    await waitFor(() => looks.length >= 3);
    expect(looks.slice(0, 3)).toEqual([40, 40, 40]);
    ledger.results.push(echo);
    await ledger.work();
    await Promise.all(waits);
    const count = looks.length;
    await waitForVerification({ id: crypto.randomUUID(), timeoutMs: NEVER_MS });
    expect(looks.slice(count)).toEqual([1]); // no request waited in between
  });

  it('a wait ends after its timeout, and its queries stop', async () => {
    const { verificationId } = await newSubscription();
    const waitForVerification = openVerificationWait({ db: ledger.db, log: silent });
    await waitForVerification({ id: verificationId ?? '', timeoutMs: 1 });
    expect((await ledger.db.prisma.verification.findMany({ where: { id: verificationId ?? '' } }))[0]?.status).toBe(
      'pending',
    );
  });

  it('limits the handshakes of an account per minute, even if requested concurrently; refuses others with Retry-After and stores nothing', async () => {
    const { id, accountId } = await newSubscription();
    const change = (n: number) =>
      changeSubscription(ledger, { accountId, id, changes: { url: `https://new${n}.example.com/` } });
    const create = (n: number) =>
      createSubscription(
        ledger,
        { accountId, url: `https://other${n}.example.com/`, events: [] },
        { maxSubscriptions: 1_000 },
      );
    const asked = await Promise.all(
      Array.from({ length: VERIFICATIONS_PER_MINUTE + 20 }, (_, n): Promise<{ outcome: string }> => {
        if (n % 4 === 0) return requestVerification(ledger, { accountId, id });
        if (n % 4 === 1) return change(n);
        return n % 4 === 2 ? create(n) : checkWebhookUrl(ledger, { accountId, url: 'https://bare.example.com/' });
      }),
    );
    const refused = asked.filter(({ outcome }) => outcome === 'rate_limited');
    expect(refused).toHaveLength(21); // one was started with the subscription
    expect(await ledger.db.prisma.verification.count({ where: { accountId } })).toBe(VERIFICATIONS_PER_MINUTE);
    const before = await ledger.counts();
    expect(await create(0)).toMatchObject({ outcome: 'rate_limited', retryAfterSeconds: expect.any(Number) });
    expect(await ledger.counts()).toEqual(before);
  });

  it('limits the subscriptions of an account, even if created concurrently; a deleted one does not count', async () => {
    const accountId = await ledger.account();
    const create = () =>
      createSubscription(ledger, { accountId, url: 'https://hooks.example.com/', events: [] }, { maxSubscriptions: 3 });
    const created = await Promise.all(Array.from({ length: 9 }, create));
    expect(created.map(({ outcome }) => outcome).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => 'created'),
      ...Array.from({ length: 6 }, () => 'quota_reached'),
    ]);
    const [one] = await ledger.db.prisma.subscription.findMany({ where: { accountId } });
    await deleteSubscription(ledger, { accountId, id: one?.id ?? '' });
    expect([(await create()).outcome, (await create()).outcome]).toEqual(['created', 'quota_reached']);
  });

  it.each<[string, (subscription: Subscription) => Promise<{ outcome: string }>]>([
    ['a new subscription', ({ accountId }) => createOf(accountId)],
    ['a new URL', ({ accountId, id }) => changeSubscription(ledger, { accountId, id, changes: { url: OTHER } })],
    ['a repeated verification', ({ accountId, id }) => requestVerification(ledger, { accountId, id })],
    ['a check of a URL', ({ accountId }) => checkWebhookUrl(ledger, { accountId, url: OTHER })],
  ])('%s waits for what another process starts for the account, and counts it', async (_, ask) => {
    const subscription = await newSubscription();
    const { accountId } = subscription;
    const client = await lockedAccount(accountId);
    const asked = ask(subscription);
    await waitFor(() => isWaitingForLock(ledger.db.pool));
    await client.query(
      `INSERT INTO verifications (id, account_id, url) SELECT gen_random_uuid(), $1, $2 FROM generate_series(1, $3)`,
      [accountId, OTHER, VERIFICATIONS_PER_MINUTE - 1],
    );
    await client.query('COMMIT');
    client.release();
    expect(await asked).toMatchObject({ outcome: 'rate_limited' });
  });

  it('requests that wait for their account’s lock use one connection; publishing and everything else continue', async () => {
    const accountId = await ledger.account();
    const other = await ledger.account();
    const client = await lockedAccount(accountId);
    const waiting = Array.from({ length: 2 * CONNECTIONS }, () => createOf(accountId));
    await waitFor(() => isWaitingForLock(ledger.db.pool));
    await ledger.publish(accountId);
    expect(await createOf(other)).toMatchObject({ outcome: 'created' });
    await client.query('ROLLBACK');
    client.release();
    const outcomes = (await Promise.all(waiting)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(outcomes.map(() => 'created'));
  });
});
