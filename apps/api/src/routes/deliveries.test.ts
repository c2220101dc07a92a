import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { echo, openTestApi, REFUSED, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
beforeAll(async () => void (api = await openTestApi()));
beforeEach(async () => {
  api.answer(echo);
  account = await api.account();
});
afterAll(() => api.close());

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const list = async (query = '') => (await api.call('GET', `/v1/accounts/${account}/deliveries${query}`)).json.data;
const get = async (id: string) => (await api.call('GET', `/v1/accounts/${account}/deliveries/${id}`)).json;
const retry = (id: string) => api.call('POST', `/v1/accounts/${account}/deliveries/${id}/retry`);

/** Publishes, and makes what attempts are due. Returns the event's id. */
async function deliver(event = 'message:created'): Promise<string> {
  const { json } = await api.call('POST', `/v1/accounts/${account}/events`, { body: { event, payload: { id: 'm1' } } });
  await api.deps.publisher.drain();
  await api.work();
  return json.id;
}

const find = async (query: string) =>
  (await list(query)).map(({ eventId, subscriptionId }: { eventId: string; subscriptionId: string }) => [
    eventId,
    subscriptionId,
  ]);

describe('deliveries', () => {
  it('one of them, with exactly the documented fields and its attempts', async () => {
    const subscription = await api.activeSubscription(account);
    const event = await deliver();
    const [listed] = await list();
    expect(listed).toEqual({
      id: expect.stringMatching(/^dlv_/),
      accountId: account,
      eventId: event,
      event: 'message:created',
      subscriptionId: subscription,
      url: 'https://hooks.example.com/webhook',
      status: 'succeeded',
      statusReason: null,
      attemptCount: 1,
      nextAttemptAt: null,
      createdAt: TIME,
      completedAt: TIME,
    });
    expect(await get(listed.id)).toEqual({
      ...listed,
      attempts: [
        {
          id: expect.stringMatching(/^att_/),
          number: 1,
          trigger: 'auto',
          outcome: 'ok',
          statusCode: 200,
          startedAt: TIME,
          durationMs: 3,
          timings: { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2 },
          url: 'https://hooks.example.com/webhook',
          remoteAddress: '192.0.2.1',
          requestHeaders: { 'content-type': 'application/json' },
          responseHeaders: { server: 'test' },
          responseBody: 'thanks',
          responseTruncated: false,
          error: null,
        },
      ],
    });
  });

  it('an answer that is no UTF-8, and one with a NUL, can be read', async () => {
    await api.activeSubscription(account);
    api.answer(() => ({ ...REFUSED, body: Buffer.from([0x61, 0xff, 0x00, 0x62]) }));
    await deliver();
    const [{ id }] = await list();
    expect((await get(id)).attempts[0].responseBody).toBe('a\ufffd\0b');
  });

  it('a failed attempt: pending, with the time of the next one', async () => {
    await api.activeSubscription(account);
    api.answer(() => REFUSED);
    await deliver();
    expect(await list()).toMatchObject([
      { status: 'pending', attemptCount: 1, nextAttemptAt: TIME, completedAt: null },
    ]);
  });

  it('by subscription, event, event type, status and time', async () => {
    const one = await api.activeSubscription(account);
    const other = await api.activeSubscription(account, { events: ['conversation:created'] });
    const message = await deliver();
    const conversation = await deliver('conversation:created');
    expect(await find(`?subscription=${other}`)).toEqual([[conversation, other]]);
    expect(await find(`?subscription=${other}&subscription=${one}`)).toHaveLength(3);
    expect(await find(`?event=${message}`)).toEqual([[message, one]]);
    expect(await find('?eventType=message:created')).toEqual([[message, one]]);
    expect(await find('?eventType=message:created&eventType=conversation:created')).toHaveLength(3);
    expect(await find('?status=succeeded')).toHaveLength(3);
    expect(await find('?status=failed&status=pending')).toEqual([]);
    expect(await find('?from=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await find('?to=2100-01-01T00:00:00%2B02:00')).toHaveLength(3);
    expect(await find(`?subscription=${one}&event=${conversation}&status=succeeded`)).toEqual([[conversation, one]]);
  });
});

describe('retry', () => {
  it('202: one attempt now, also of a succeeded one, with the same webhook-id', async () => {
    await api.activeSubscription(account);
    const event = await deliver();
    const [{ id }] = await list();
    api.posts.length = 0;
    const { status, json } = await retry(id);
    expect([status, json]).toMatchObject([202, { id, status: 'succeeded' }]);
    expect(json).not.toHaveProperty('attempts');
    await api.work();
    expect((await get(id)).attempts).toMatchObject([{ trigger: 'auto' }, { number: 2, trigger: 'manual' }]);
    expect(api.posts.map(({ webhookId }) => webhookId)).toEqual([event]);
  });

  it('asking twice before it is made asks for one attempt', async () => {
    await api.activeSubscription(account);
    await deliver();
    const [{ id }] = await list();
    await retry(id);
    await retry(id);
    await api.work();
    expect((await get(id)).attemptCount).toBe(2);
  });

  it('422 where the subscription was deleted: there is no URL to send it to', async () => {
    const subscription = await api.activeSubscription(account);
    await deliver();
    const [{ id }] = await list();
    await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${subscription}`);
    const { status, json } = await retry(id);
    expect([status, json.code]).toEqual([422, 'invalid_request']);
    expect(json.detail).toContain('deleted');
  });
});
