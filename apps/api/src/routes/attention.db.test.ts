import { afterAll, describe, expect, it } from 'vitest';
import { echo, openTestApi, REFUSED } from '../api.test-support.js';

const api = await openTestApi();
afterAll(() => api.close());

const list = async (account: string, key?: string) =>
  (await api.call('GET', `/v1/accounts/${account}/attention`, key === undefined ? {} : { key })).json.data;

describe('GET /v1/attention', () => {
  it('lists each subscription that needs attention, with the reason and the time', async () => {
    const account = await api.account();
    const path = `/v1/accounts/${account}/subscriptions`;
    const fine = await api.activeSubscription(account);
    const failing = await api.activeSubscription(account, { url: 'https://failing.example.com/' });
    const gone = await api.activeSubscription(account, { url: 'https://gone.example.com/' });
    api.respond(({ url }) =>
      url.includes('gone') ? { outcome: 'http_error', statusCode: 410 } : url.includes('failing') ? REFUSED : {},
    );
    await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });
    await api.deps.publisher.drain();
    await api.work();
    const unproven = (await api.call('POST', path, { body: { url: 'https://unproven.example.com/' } })).json.id;
    api.respond(() => ({ body: Buffer.from('{"ok":true}') }));
    await api.work();
    await api.deps.db.pool.query(
      `UPDATE verifications SET status = 'failed', leased_until = NULL WHERE status = 'pending'`,
    );
    const found = await list(account);
    expect(found.map((one: { subscriptionId: string }) => one.subscriptionId)).not.toContain(fine);
    expect(found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ subscriptionId: unproven, reason: 'unverified', detail: 'mismatch' }),
        expect.objectContaining({
          subscriptionId: gone,
          reason: 'disabled',
          detail: 'gone',
          url: 'https://gone.example.com/',
        }),
        expect.objectContaining({ subscriptionId: failing, reason: 'failing', detail: null, accountId: account }),
      ]),
    );
    expect(found).toHaveLength(3);
    expect((await api.call('GET', '/v1/attention?limit=100')).json.data).toEqual(found);
    await api.call('POST', `${path}/${gone}/resume`);
    expect(await list(account)).toHaveLength(2);
  });

  it('lists all accounts only for operators; keys and portals list their account', async () => {
    api.respond(echo);
    const [mine, theirs] = [await api.account(), await api.account()];
    for (const account of [mine, theirs]) {
      const id = await api.activeSubscription(account);
      await api.call('POST', `/v1/accounts/${account}/subscriptions/${id}/disable`);
      await api.deps.db.pool.query(`UPDATE subscriptions SET status_reason = 'failing' WHERE account_id = $1`, [
        account,
      ]);
    }
    for (const key of [await api.key(mine), await api.portal(mine)]) {
      expect(await list(mine, key)).toEqual([
        expect.objectContaining({ accountId: mine, reason: 'disabled', detail: 'failing' }),
      ]);
      expect((await api.call('GET', '/v1/attention', { key })).status).toBe(403);
      expect((await api.call('GET', `/v1/accounts/${theirs}/attention`, { key })).status).toBe(404);
    }
  });

  it('is paged, and returns 422 for a cursor of another list', async () => {
    const first = (await api.call('GET', '/v1/attention?limit=1')).json;
    const second = (await api.call('GET', `/v1/attention?limit=1&cursor=${first.nextCursor}`)).json;
    expect(second.data).toHaveLength(1);
    expect(second.data[0].subscriptionId).not.toBe(first.data[0].subscriptionId);
    const forged = Buffer.from(JSON.stringify(['1', 'attention', new Date().toISOString(), 'x'])).toString('base64url');
    expect((await api.call('GET', `/v1/attention?cursor=${forged}`)).status).toBe(422);
  });
});
