import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '@posthorn/testing';
import { type Ledger, challengeOf, openLedger } from '../ledger.test-support.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import type { Subscription } from '../subscriptions/subscription.js';
import { VERIFICATIONS_PER_MINUTE, checkWebhookUrl, requestVerification } from './start-verification.js';
import { waitForVerification } from './wait-for-verification.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.answers.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const echo: Ledger['answers'][number] = ({ body }) => ({ body: Buffer.from(challengeOf(body)) });
const silence = { outcome: 'timeout', statusCode: null } as const;
const reload = (id: string) =>
  ledger.db.prisma.subscription.findUniqueOrThrow({ where: { id }, include: { verification: true } });

async function newSubscription(url = 'https://hooks.example.com/'): Promise<Subscription> {
  const created = await createSubscription(ledger, { accountId: await ledger.account(), url, events: [] });
  if (created.outcome !== 'created') throw new Error(created.outcome);
  return created.subscription;
}

describe('verification', () => {
  it('an echo makes the subscription active, and what came back is kept', async () => {
    const { id, status } = await newSubscription();
    expect(status).toBe('unverified');
    ledger.answers.push(echo);
    await ledger.work();
    const subscription = await reload(id);
    expect(subscription).toMatchObject({
      status: 'active',
      verification: { status: 'verified', reason: null, statusCode: 200, attemptCount: 1, feedAt: null },
    });
    expect(
      await ledger.db.prisma.attempt.findMany({ where: { verificationId: subscription.verificationId } }),
    ).toMatchObject([{ outcome: 'ok', subscriptionId: id }]);
    expect(ledger.posts[0]?.secrets).toHaveLength(1);
  });

  it('a wrong answer fails at once with its reason and what was received; the subscription stays unverified', async () => {
    const { id } = await newSubscription();
    ledger.answers.push({ body: Buffer.from('{"ok":true}') });
    await ledger.work();
    const { status, verification } = await reload(id);
    expect(status).toBe('unverified');
    expect(verification).toMatchObject({ status: 'failed', reason: 'mismatch', attemptCount: 1 });
    expect(Buffer.from(verification?.answer ?? []).toString()).toBe('{"ok":true}');
    expect(ledger.jobs).toEqual([]);
  });

  it('keeps the beginning of a wrong response as text in UTF-8, whatever its charset', async () => {
    const { id } = await newSubscription();
    ledger.answers.push({
      body: Buffer.from('Zugriff verweigert, Grüße'.padEnd(4_000, 'ü'), 'latin1'),
      responseHeaders: { 'content-type': 'text/plain; charset=iso-8859-1' },
    });
    await ledger.work();
    const answer = Buffer.from((await reload(id)).verification?.answer ?? []);
    expect(answer.toString()).toMatch(/^Zugriff verweigert, Grüßeüü/);
    expect(answer.length).toBeLessThanOrEqual(2 * 1024);
  });

  it('silence is tried three times within 12 s, and tells its reason meanwhile', async () => {
    const { id } = await newSubscription();
    ledger.answers.push(silence);
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

  it('regression: a try that our shutdown aborts spends none of the three', async () => {
    const { verificationId } = await newSubscription();
    ledger.answers.push({ outcome: 'aborted', statusCode: null }, silence);
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

  it('regression: a result and a change of the URL at the same moment do not deadlock', async () => {
    const { id, accountId, verificationId } = await newSubscription();
    ledger.jobs.length = 0;
    ledger.answers.push(echo);
    const client = await ledger.db.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM subscriptions WHERE id = $1 FOR UPDATE', [id]);
    ledger.jobs.push({ queue: 'verify', id: verificationId ?? '', attemptNumber: 1 });
    const work = ledger.work();
    await waitFor(async () => {
      const { rows } = await ledger.db.pool.query(`SELECT FROM pg_locks WHERE NOT granted`);
      return rows.length > 0;
    });
    await client.query(`UPDATE verifications SET reason = NULL WHERE id = $1`, [verificationId]);
    await client.query('COMMIT');
    client.release();
    await work;
    expect(await ledger.db.prisma.subscription.findFirst({ where: { accountId } })).toMatchObject({ status: 'active' });
  });

  it('a changed URL is verified first; meanwhile, and when it fails, the old one keeps receiving', async () => {
    const { id, accountId } = await ledger.activeSubscription(await ledger.account());
    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://new.example.com/' } });
    expect(await reload(id)).toMatchObject({
      url: 'https://hooks.example.com/webhook',
      pendingUrl: 'https://new.example.com/',
      status: 'active',
      verification: { status: 'pending' },
    });
    ledger.answers.push({ body: Buffer.from('no') }, {});
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

  it('a changed URL that answers takes the old one’s place; naming the old one again drops the change', async () => {
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
    ledger.answers.push(echo);
    await ledger.work(); // the handshake with the new URL succeeds, and no longer counts
    expect(await reload(id)).toMatchObject({ url: 'https://hooks.example.com/webhook', pendingUrl: null });

    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://new.example.com/' } });
    await ledger.work();
    expect(await reload(id)).toMatchObject({ url: 'https://new.example.com/', pendingUrl: null, status: 'active' });
  });

  it('regression: a change without a URL leaves the verification alone', async () => {
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

  it('verifying a working URL again, and failing, leaves it active', async () => {
    const { id, accountId } = await ledger.activeSubscription(await ledger.account());
    await requestVerification(ledger, { accountId, id });
    ledger.answers.push({ outcome: 'http_error', statusCode: 404 });
    await ledger.work();
    expect(await reload(id)).toMatchObject({ status: 'active', verification: { status: 'failed', reason: 'status' } });
  });

  it('of two verifications at once only the last counts', async () => {
    const { id, accountId } = await newSubscription();
    await changeSubscription(ledger, { accountId, id, changes: { url: 'https://second.example.com/' } });
    ledger.answers.push((request) =>
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

  it('a handshake that our shutdown aborts is made again', async () => {
    const { id } = await newSubscription();
    ledger.answers.push({ outcome: 'aborted', statusCode: null }, echo);
    await ledger.work();
    expect(await reload(id)).toMatchObject({ status: 'active' });
  });

  it('a bare URL is verified without a subscription, signed all the same; the wait ends with the first try', async () => {
    const accountId = await ledger.account();
    const started = await checkWebhookUrl(ledger, { accountId, url: 'https://bare.example.com/' });
    if (started.outcome !== 'started') throw new Error(started.outcome);
    ledger.answers.push(silence);
    const waiting = waitForVerification(ledger, { id: started.verificationId, timeoutMs: 5_000 });
    await ledger.work();
    expect(await waiting).toMatchObject({ status: 'pending', attemptCount: 1, reason: 'timeout' });
    expect(ledger.posts[0]?.secrets).toHaveLength(1);
    expect(await waitForVerification(ledger, { id: crypto.randomUUID(), timeoutMs: 5_000 })).toBeNull();
  });

  it('an account starts so many handshakes a minute; the next one is told when to come back, and nothing is stored', async () => {
    const accountId = await ledger.account();
    const checks = await Promise.all(
      Array.from({ length: VERIFICATIONS_PER_MINUTE }, () =>
        checkWebhookUrl(ledger, { accountId, url: 'https://bare.example.com/' }),
      ),
    );
    expect(checks.every(({ outcome }) => outcome === 'started')).toBe(true);
    const before = await ledger.counts();
    const refused = await createSubscription(ledger, { accountId, url: 'https://x.example.com/', events: [] });
    expect(refused).toMatchObject({ outcome: 'rate_limited' });
    if (refused.outcome === 'rate_limited') expect(refused.retryAfterSeconds).toBeGreaterThan(0);
    expect(await ledger.counts()).toEqual(before);
  });
});
