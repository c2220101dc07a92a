import { openEndpoint, waitFor } from '@posthorn/testing';
import { describe, expect } from 'vitest';
import { it } from './shared-stack.js';
import type { Stack } from './stack.js';

/** The endpoints from Papercups' docs, wiki and users, and its API, on the real stack. */
describe('Papercups', () => {
  let stack: Stack;
  let key: string;
  const account = 'papercups';
  it.beforeAll(async ({ sharedStack }) => {
    stack = sharedStack;
    await stack.call('PUT', `/v1/accounts/${account}`, {});
    const scopes = ['subscriptions:read', 'subscriptions:write'];
    ({ key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${account}/keys`, {
      name: 'papercups',
      scopes,
    }));
  });

  async function api(method: string, path: string, body?: unknown, authorization = key) {
    const response = await fetch(`${stack.apiUrl}/api/event_subscriptions${path}`, {
      method,
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text ? JSON.parse(text) : null,
      location: response.headers.get('location'),
    };
  }
  const create = (webhook_url: string) => api('POST', '', { event_subscription: { webhook_url } });
  const verified = async (url: string) => (await api('POST', '/verify', { url })).body.data.verified as boolean;

  it('waits for the handshake in create and returns the true `verified`, with exactly eight keys', async () => {
    const endpoint = await openEndpoint();
    const created = await create(endpoint.url);
    expect(created.status).toBe(201);
    const { data } = created.body;
    expect(Object.keys(data).toSorted()).toEqual([
      'account_id',
      'created_at',
      'id',
      'object',
      'scope',
      'updated_at',
      'verified',
      'webhook_url',
    ]);
    expect(data).toMatchObject({
      account_id: account,
      object: 'event_subscription',
      scope: null,
      verified: true,
      webhook_url: endpoint.url,
    });
    expect(data.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    expect(created.location).toBe(`/api/event_subscriptions/${data.id}`);
    expect((await api('GET', `/${data.id}`, undefined, `Bearer ${key}`)).body.data).toEqual(data);
    expect((await api('DELETE', `/${data.id}`)).status).toBe(204);
    expect(await api('GET', `/${data.id}`)).toMatchObject({ status: 404, body: { errors: { detail: 'Not Found' } } });
    await endpoint.close();
  });

  it('regression papercups#724: an echo with a JSON content type verifies, bare or quoted (V10)', async () => {
    const endpoint = await openEndpoint();
    for (const wrap of [
      (text: string) => text,
      (text: string) => JSON.stringify(text),
      (text: string) => JSON.stringify({ challenge: text }),
    ]) {
      endpoint.respondToHandshakeWith(({ challenge }) => ({
        headers: { 'content-type': 'application/json' },
        body: wrap(challenge ?? ''),
      }));
      expect(await verified(endpoint.url)).toBe(true);
    }
    await endpoint.close();
  });

  it('verifies an endpoint that responds late, but not one that echoes with 500, echoes everything or returns ok', async () => {
    const endpoint = await openEndpoint();
    endpoint.respondToHandshakeWith(({ challenge }) => ({ body: challenge ?? '', delayMs: 2_000 }));
    expect(await verified(endpoint.url)).toBe(true);
    endpoint.respondToHandshakeWith(({ challenge }) => ({ status: 404, body: challenge ?? '' }));
    expect(await verified(endpoint.url)).toBe(false);
    endpoint.respondToHandshakeWith(({ rawBody }) => ({ body: rawBody }));
    expect(await verified(endpoint.url)).toBe(false);
    endpoint.respondToHandshakeWith({ body: '{"ok":true}' });
    expect(await verified(endpoint.url)).toBe(false);
    expect(await verified('http://169.254.169.254/latest/meta-data')).toBe(false);
    await endpoint.close();
  });

  it('regression papercups#721: keeps the verification if the scope changes, and the old URL if the new one fails', async () => {
    const endpoint = await openEndpoint();
    const { data } = (await create(endpoint.url)).body;
    const scoped = await api('PUT', `/${data.id}`, { event_subscription: { scope: 'conversation:updated' } });
    expect(scoped.body.data).toMatchObject({
      verified: true,
      scope: 'conversation:updated',
      webhook_url: endpoint.url,
    });
    const moved = await api('PUT', `/${data.id}`, { event_subscription: { webhook_url: 'http://127.0.0.1:9/dead' } });
    expect(moved).toMatchObject({ status: 422 }); // port 9 is blocked
    const silent = await openEndpoint();
    silent.respondToHandshakeWith({ body: 'no' });
    const failed = await api('PUT', `/${data.id}`, { event_subscription: { webhook_url: silent.url } });
    expect(failed.body.data).toMatchObject({ verified: true, webhook_url: endpoint.url });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    await api('DELETE', `/${data.id}`);
    await endpoint.close();
    await silent.close();
  });

  it('accepts all responses of the public demo: late ones, {"ok":true}, the payload echoed as JSON, a JSON string', async () => {
    const endpoint = await openEndpoint();
    const { data } = (await create(endpoint.url)).body;
    endpoint.respondWith(
      { body: '{"ok":true}', delayMs: 3_000 },
      ({ rawBody }) => ({
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(JSON.parse(rawBody.toString()).payload),
      }),
      { headers: { 'content-type': 'application/json' }, body: '"thanks"' },
      { status: 204 },
    );
    for (let n = 0; n < 4; n += 1) {
      const { id } = await stack.publish(account, `{"event":"conversation:updated","payload":{"n":${n}}}`);
      await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
      expect((await stack.delivery(account, id)).attemptCount).toBe(1);
    }
    await api('DELETE', `/${data.id}`);
    await endpoint.close();
  });

  it('explains a timeout at a hanging endpoint, retries automatically, and delays no other endpoint (D10)', async () => {
    const [silent, healthy] = [await openEndpoint(), await openEndpoint()];
    const ids = [(await create(silent.url)).body.data.id, (await create(healthy.url)).body.data.id];
    const { data: made } = await stack.call<{ data: { id: string; url: string }[] }>(
      'GET',
      `/v1/accounts/${account}/subscriptions`,
    );
    const hanging = made.find(({ url }) => url === silent.url)?.id;
    await stack.call('PATCH', `/v1/accounts/${account}/subscriptions/${hanging}`, {
      timeoutMs: 5_000,
      retrySchedule: [1],
    });
    silent.respondWith('never');
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => healthy.events.length === 1);
    const { data } = await stack.call<{ data: { id: string; url: string }[] }>(
      'GET',
      `/v1/accounts/${account}/deliveries?event=${id}`,
    );
    const toSilent = data.find(({ url }) => url === silent.url)?.id;
    const delivery = await waitFor(async () => {
      const found = await stack.call<{ status: string; attempts: { outcome: string; error: string }[] }>(
        'GET',
        `/v1/accounts/${account}/deliveries/${toSilent}`,
      );
      return found.status === 'failed' && found;
    });
    expect(delivery.attempts.map(({ outcome }) => outcome)).toEqual(['timeout', 'timeout']);
    expect(delivery.attempts[0]?.error).toMatch(/did not respond within 5 s/);
    for (const one of ids) await api('DELETE', `/${one}`);
    await silent.close();
    await healthy.close();
  });
});
