import { MASK } from '@posthorn/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestRetry } from '../deliver/request-retry.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { challengeOf, type Ledger, openLedger } from '../ledger.test-support.js';
import { requestVerification } from '../subscriptions/request-verification.js';
import { changeSubscription, type SubscriptionChanges } from '../subscriptions/change-subscription.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { originOf } from './own-headers.js';
import { sendTest } from '../subscriptions/send-test.js';
import type { Subscription } from '../subscriptions/subscription.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const OLD = 'https://hooks.example.com/webhook';
const NEW = 'https://other.example.com/';
const own = { authorization: 'Bearer hush' };
const echo: Ledger['results'][number] = ({ body }) => ({ body: Buffer.from(challengeOf(body)) });
const refusal: Ledger['results'][number] = { body: Buffer.from('no') };

/** A verified subscription to OLD with custom headers `own`. */
async function withHeaders(): Promise<Subscription> {
  const subscription = await ledger.activeSubscription(await ledger.account(), { url: OLD });
  await change(subscription, { headers: own });
  return subscription;
}

async function change({ accountId, id }: Pick<Subscription, 'accountId' | 'id'>, changes: SubscriptionChanges) {
  const result = await changeSubscription(ledger, { accountId, id, changes });
  if (result.outcome !== 'changed') throw new Error(result.outcome);
  return result;
}

/** Returns the URL and headers of each request that is sent now. */
async function sent(...results: Ledger['results']): Promise<[string, Record<string, string> | undefined][]> {
  ledger.posts.length = 0;
  ledger.results.splice(0, ledger.results.length, ...results);
  await ledger.settle();
  return ledger.posts.map(({ url, headers }) => [url, headers]);
}

async function publish({ accountId }: Pick<Subscription, 'accountId'>): Promise<void> {
  await ledger.publish(accountId);
  await ledger.publisher.drain();
}

describe('header values of a subscription whose URL changes to another origin', () => {
  it('regression: are not sent to the new URL, neither with its verification nor later', async () => {
    const subscription = await withHeaders();
    const { headersDropped } = await change(subscription, { url: NEW });
    expect(headersDropped).toEqual(['authorization']);
    expect(await sent(echo)).toEqual([[NEW, {}]]);

    await publish(subscription);
    expect(await sent({ outcome: 'http_error', statusCode: 500 }, {})).toEqual([
      [NEW, {}],
      [NEW, {}],
    ]);
    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    const test = await sendTest(ledger, { ...subscription, frozen: frozen.frozen });
    expect(await sent({})).toEqual([[NEW, {}]]);
    if (test.outcome !== 'sent') throw new Error(test.outcome);
    await requestRetry(ledger, { accountId: subscription.accountId, id: test.deliveryId });
    expect(await sent({})).toEqual([[NEW, {}]]);
    await requestVerification(ledger, subscription);
    expect(await sent(echo)).toEqual([[NEW, {}]]);
  });

  it('are still sent to the old URL, until the new one is verified and after it has failed', async () => {
    const subscription = await withHeaders();
    await change(subscription, { url: NEW });
    await publish(subscription);
    expect(await sent(refusal)).toEqual([
      [NEW, {}],
      [OLD, own],
    ]);
    await publish(subscription);
    expect(await sent({})).toEqual([[OLD, own]]);
    await requestVerification(ledger, subscription);
    expect(await sent(refusal)).toEqual([[NEW, {}]]);
  });

  it('are dropped for another scheme, port or host, and kept for another path', async () => {
    for (const url of [
      'http://hooks.example.com/webhook',
      'https://hooks.example.com:8443/webhook',
      'https://example.com/',
    ]) {
      await change(await withHeaders(), { url });
      expect(await sent(echo)).toEqual([[url, {}]]);
    }
    const { headersDropped, subscription } = await change(await withHeaders(), { url: `${OLD}/v2?a=1` });
    expect(headersDropped).toEqual([]);
    expect(await sent(echo)).toEqual([[`${OLD}/v2?a=1`, own]]);
    await publish(subscription);
    expect(await sent({})).toEqual([[`${OLD}/v2?a=1`, own]]);
  });

  it('are dropped for a subscription that was never verified, too', async () => {
    const accountId = await ledger.account();
    const input = { accountId, url: OLD, events: [], headers: own };
    const created = await createSubscription(ledger, input, { maxSubscriptions: 1_000 });
    if (created.outcome !== 'created') throw new Error(created.outcome);
    expect(await sent(refusal)).toEqual([[OLD, own]]);
    expect(await change(created.subscription, { url: NEW })).toMatchObject({
      headersDropped: ['authorization'],
      subscription: { url: NEW, headersSealed: null, headersOrigin: null },
    });
    expect(await sent(refusal)).toEqual([[NEW, {}]]);
  });

  it('are replaced by those of the same change: each URL gets its own', async () => {
    const subscription = await withHeaders();
    const { headersDropped } = await change(subscription, { url: NEW, headers: { 'x-token': 'new' } });
    expect(headersDropped).toEqual([]);
    await publish(subscription);
    expect(await sent(refusal)).toEqual([
      [NEW, { 'x-token': 'new' }],
      [OLD, own],
    ]);
    await change(subscription, { headers: { 'x-token': MASK, 'x-more': '1' } });
    await requestVerification(ledger, subscription);
    expect(await sent(echo)).toEqual([[NEW, { 'x-token': 'new', 'x-more': '1' }]]);
    await publish(subscription);
    expect(await sent({})).toEqual([[NEW, { 'x-token': 'new', 'x-more': '1' }]]);
  });

  it('those of an unverified URL do not go to the next one, and the old URL gets its own again', async () => {
    const subscription = await withHeaders();
    await change(subscription, { url: NEW, headers: { 'x-token': 'new' } });
    const third = 'https://third.example.com/';
    expect((await change(subscription, { url: third })).headersDropped).toEqual(['x-token']);
    expect(await sent(refusal)).toEqual([[third, {}]]);
    await change(subscription, { url: NEW, headers: { 'x-token': 'new' } });
    expect(await sent(refusal)).toEqual([[NEW, { 'x-token': 'new' }]]);
    expect((await change(subscription, { url: OLD })).headersDropped).toEqual(['x-token']);
    await publish(subscription);
    expect(await sent({})).toEqual([[OLD, own]]);
  });

  it('are not restored by a mask', async () => {
    const { accountId, id } = await withHeaders();
    const headers = { authorization: MASK };
    expect(await changeSubscription(ledger, { accountId, id, changes: { url: NEW, headers } })).toEqual({
      outcome: 'header_not_stored',
      name: 'authorization',
    });
    await change({ accountId, id }, { url: NEW });
    expect(await changeSubscription(ledger, { accountId, id, changes: { headers } })).toEqual({
      outcome: 'header_not_stored',
      name: 'authorization',
    });
    expect(await changeSubscription(ledger, { accountId, id, changes: { url: OLD, headers } })).toMatchObject({
      outcome: 'changed',
    });
    await requestVerification(ledger, { accountId, id });
    expect(await sent(echo)).toEqual([[OLD, own]]);
  });

  it('are erased when the subscription is deleted, with those of a pending URL', async () => {
    const subscription = await withHeaders();
    await change(subscription, { url: NEW, headers: { 'x-token': 'new' } });
    await deleteSubscription(ledger, subscription);
    const { rows } = await ledger.db.pool.query(
      `SELECT headers_sealed, headers_origin, pending_headers_sealed, pending_headers_origin FROM subscriptions WHERE id = $1`,
      [subscription.id],
    );
    expect(rows.flatMap((row) => Object.values(row))).toEqual([null, null, null, null]);
  });
});

describe('the ledger', () => {
  it('refuses to combine a URL with header values of another origin', async () => {
    const { id } = await withHeaders();
    const set = (assignments: string) =>
      ledger.db.pool.query(`UPDATE subscriptions SET ${assignments} WHERE id = $1`, [id]);
    await expect(set(`url = '${NEW}'`)).rejects.toThrow('subscriptions_headers_origin_check');
    await expect(set(`headers_origin = '${originOf(NEW)}'`)).rejects.toThrow('subscriptions_headers_origin_check');
    await expect(set('headers_origin = NULL')).rejects.toThrow('subscriptions_headers_origin_check');
    await expect(set(`url = 'https://hooks.example.com'`)).rejects.toThrow('subscriptions_headers_origin_check');
    await expect(set(`pending_url = '${NEW}', pending_headers_sealed = headers_sealed`)).rejects.toThrow(
      'subscriptions_pending_headers_origin_check',
    );
    await expect(
      set(`pending_url = '${NEW}', pending_headers_sealed = headers_sealed, pending_headers_origin = headers_origin`),
    ).rejects.toThrow('subscriptions_pending_headers_origin_check');
  });

  it('computes the origin of a URL like the URL parser', async () => {
    const urls = [
      'https://hooks.example.com/webhook',
      'http://hooks.example.com:8080/?a=https://x/',
      'https://xn--bcher-kva.example/#x',
      'https://[2606:4700::1111]:8443/a@b',
      'http://93.184.216.34/\\x',
    ];
    const { rows } = await ledger.db.pool.query<{ origin: string }>(
      'SELECT posthorn_url_origin(url) AS origin FROM unnest($1::text[]) WITH ORDINALITY AS t (url, n) ORDER BY n',
      [urls],
    );
    expect(rows.map(({ origin }) => origin)).toEqual(urls.map((url) => originOf(new URL(url).href)));
    const odd = ['https://user@hooks.example.com/', 'https://hooks.example.com', 'ftp://hooks.example.com/', ''];
    const { rows: none } = await ledger.db.pool.query(
      'SELECT posthorn_url_origin(url) AS origin FROM unnest($1::text[]) AS t (url)',
      [odd],
    );
    expect(none).toEqual(odd.map(() => ({ origin: null })));
  });
});
