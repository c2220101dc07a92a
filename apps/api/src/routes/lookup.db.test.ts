import { toTypeId } from '@posthorn/contract';
import { newId } from '@posthorn/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

const lookup = (id: string, key?: string) => api.call('GET', `/v1/lookup/${id}`, key === undefined ? {} : { key });

/** One object of each kind, with its expected lookup. */
async function everything(): Promise<{ accountId: string; expected: object[] }> {
  const accountId = await api.account();
  const base = `/v1/accounts/${accountId}`;
  await api.key(accountId);
  const subscriptionId = await api.activeSubscription(accountId);
  const { json: event } = await api.call('POST', `${base}/events`, { body: { event: 'message:created', payload: {} } });
  await api.deps.publisher.drain();
  await api.work();
  const [{ id: deliveryId }] = (await api.call('GET', `${base}/deliveries`)).json.data;
  const [{ id: attemptId }] = (await api.call('GET', `${base}/deliveries/${deliveryId}`)).json.attempts;
  const [{ id: keyId }] = (await api.call('GET', `${base}/keys`)).json.data;
  const since = '2020-01-01T00:00:00Z';
  const body = { since, which: 'failed', subscriptions: [subscriptionId] };
  const { json: replay } = await api.call('POST', `${base}/replays`, { body });
  const { prisma } = api.deps.db;
  const verification = await prisma.verification.findFirstOrThrow({ where: { accountId } });
  const tried = await prisma.verificationAttempt.findFirstOrThrow({ where: { verificationId: verification.id } });
  return {
    accountId,
    expected: [
      { type: 'subscription', id: subscriptionId, accountId },
      { type: 'event', id: event.id, accountId },
      { type: 'delivery', id: deliveryId, accountId, subscriptionId, eventId: event.id },
      { type: 'attempt', id: attemptId, accountId, subscriptionId, deliveryId },
      { type: 'attempt', id: toTypeId('att', tried.id), accountId, subscriptionId },
      { type: 'key', id: keyId, accountId },
      { type: 'verification', id: toTypeId('ver', verification.id), accountId, subscriptionId },
      { type: 'replay', id: replay.id, accountId, subscriptionId },
    ],
  };
}

it('finds the object of an id; an account key finds only its own objects', async () => {
  const mine = await everything();
  const theirs = await everything();
  const key = await api.key(mine.accountId, ['events:write']);
  for (const one of [...mine.expected, ...theirs.expected] as { id: string }[]) {
    expect(await lookup(one.id)).toMatchObject({ status: 200, json: one });
    expect((await lookup(one.id)).json).toEqual(one);
  }
  for (const { id } of mine.expected as { id: string }[]) expect((await lookup(id, key)).status).toBe(200);
  for (const { id } of theirs.expected as { id: string }[]) {
    const unknown = await lookup(toTypeId(id.slice(0, 3) as 'sub', newId()), key);
    const foreign = await lookup(id, key);
    expect([foreign.status, foreign.json.detail]).toEqual([404, unknown.json.detail]);
  }
});

it('finds a replay of operators, which belongs to no account; an account key does not', async () => {
  const { json: replay } = await api.call('POST', '/v1/replays', {
    body: { since: '2020-01-01T00:00:00Z', which: 'failed' },
  });
  expect((await lookup(replay.id)).json).toEqual({ type: 'replay', id: replay.id, accountId: null });
  const key = await api.key(await api.account());
  expect((await lookup(replay.id, key)).status).toBe(404);
});

it('returns 404 for unknown, deleted and invalid ids', async () => {
  expect((await lookup(toTypeId('dlv', newId()))).status).toBe(404);
  const account = await api.account();
  const subscription = await api.activeSubscription(account);
  await api.call('DELETE', `/v1/accounts/${account}/subscriptions/${subscription}`);
  expect((await lookup(subscription)).status).toBe(404);
  for (const id of ['acme', 'dlv_', 'dlv_01jd4q8y3ne9mav5w2xkq7rf0u', `usr_${'0'.repeat(26)}`]) {
    expect([404, 422]).toContain((await lookup(id)).status);
  }
});
