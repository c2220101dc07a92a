import { readFileSync } from 'node:fs';
import { openEndpoint, waitFor } from '@posthorn/testing';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, inject } from 'vitest';
import { it } from './shared-stack.js';
import type { Stack } from './stack.js';

const golden = readFileSync(new URL('golden.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

describe.each(inject('queueBackends'))('delivers on %s', (backend) => {
  let stack: Stack;
  it.beforeAll(async ({ sharedStackOn }) => void (stack = await sharedStackOn(backend)));

  const subscribe: Stack['subscribe'] = (url, extra) => stack.subscribe(url, { retrySchedule: [1, 1], ...extra });

  it('golden: sends Papercups’ bodies byte for byte, with signatures that two libraries accept', async () => {
    const endpoint = await openEndpoint();
    const { account, secret } = await subscribe(endpoint.url);
    for (const body of golden.slice(0, 3)) await stack.publish(account, body);
    await waitFor(() => endpoint.events.length === 3);
    expect(endpoint.events.map(({ rawBody }) => rawBody.toString('utf8')).toSorted()).toEqual(
      golden.slice(0, 3).toSorted(),
    );
    for (const { rawBody, headers } of endpoint.events) {
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Posthorn\//),
        accept: '*/*',
      });
      for (const webhook of [new Webhook(secret), new SvixWebhook(secret)]) {
        expect(JSON.stringify(webhook.verify(rawBody.toString('utf8'), headers))).toBe(
          JSON.stringify(JSON.parse(rawBody.toString('utf8'))),
        );
      }
    }
    await endpoint.close();
  });

  it('sends a handshake of the golden form, signed with the subscription’s secret', async () => {
    const endpoint = await openEndpoint();
    const { secret } = await subscribe(endpoint.url);
    const [handshake] = endpoint.requests;
    expect(handshake?.rawBody.toString()).toMatch(/^\{"event":"webhook:verify","payload":"[A-Z2-7]{64}"\}$/);
    expect(() =>
      new Webhook(secret).verify(handshake?.rawBody.toString() ?? '', handshake?.headers ?? {}),
    ).not.toThrow();
    await endpoint.close();
  });

  it('keeps unusual numbers, key orders and escapes unchanged (V11)', async () => {
    const endpoint = await openEndpoint();
    const { account } = await subscribe(endpoint.url);
    const payload = String.raw`{"z":1,"10":1,"2":2,"n":12345678901234567890,"f":1.0,"e":1E+2,"s":"\u0000\ud800\/☃","m":{"b":1,"1":[1.50]}}`;
    await stack.publish(account, ` { "payload" : ${payload.replaceAll(',"', ' , "')} , "event" : "message:created" } `);
    await waitFor(() => endpoint.events.length === 1);
    expect(endpoint.events[0]?.rawBody.toString('utf8')).toBe(`{"event":"message:created","payload":${payload}}`);
    await endpoint.close();
  });

  it('sends one webhook-id and the same bytes for 500, 500, 200, with a new timestamp and signature each time', async () => {
    const endpoint = await openEndpoint();
    const { account, secret } = await subscribe(endpoint.url);
    endpoint.respondWith(500, { status: 503, body: 'busy' }, 200);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"id":"m1"}}');
    await waitFor(() => endpoint.events.length === 3);
    const delivery = await waitFor(async () => {
      const found = await stack.delivery(account, id);
      return found.status === 'succeeded' && found;
    });
    expect(delivery.attempts.map(({ outcome, statusCode, trigger }) => [outcome, statusCode, trigger])).toEqual([
      ['http_error', 500, 'auto'],
      ['http_error', 503, 'auto'],
      ['ok', 200, 'auto'],
    ]);
    expect(delivery.attempts[1]?.responseBody).toBe('busy');
    expect(new Set(endpoint.events.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
    expect(new Set(endpoint.events.map(({ rawBody }) => rawBody.toString())).size).toBe(1);
    for (const { rawBody, headers } of endpoint.events) new Webhook(secret).verify(rawBody.toString(), headers);
    const gaps = endpoint.events
      .slice(1)
      .map(({ at }, index) => at.getTime() - (endpoint.events[index]?.at.getTime() ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(990);
    await endpoint.close();
  });

  it('fails a delivery after the last scheduled attempt, and succeeds with a manual retry', async () => {
    const endpoint = await openEndpoint();
    const { account } = await subscribe(endpoint.url);
    endpoint.respondWith(500);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    const failed = await waitFor(async () => {
      const found = await stack.delivery(account, id);
      return found.status === 'failed' && found;
    });
    expect(failed).toMatchObject({ statusReason: 'exhausted', attemptCount: 3, nextAttemptAt: null });
    endpoint.respondWith(200);
    await stack.call('POST', `/v1/accounts/${account}/deliveries/${failed.id}/retry`, undefined, 202);
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    expect((await stack.delivery(account, id)).attempts.map(({ trigger }) => trigger)).toEqual([
      'auto',
      'auto',
      'auto',
      'manual',
    ]);
    await endpoint.close();
  });

  it('disables a subscription after a 410, and sends to it again after a resume', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    const path = `/v1/accounts/${account}/subscriptions/${id}`;
    endpoint.respondWith(410, 200);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.call<{ status: string }>('GET', path)).status === 'disabled');
    expect(await stack.call('GET', path)).toMatchObject({ statusReason: 'gone' });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await stack.call('POST', `${path}/resume`);
    await stack.publish(account, '{"event":"message:created","payload":{"after":true}}');
    await waitFor(() => endpoint.events.length === 2);
    expect(endpoint.events[1]?.rawBody.toString()).toContain('after');
    await endpoint.close();
  });

  it('honours Retry-After, and treats a redirect as a failure without a request to its target (I8, X3)', async () => {
    const [endpoint, elsewhere] = [await openEndpoint(), await openEndpoint()];
    const { account } = await subscribe(endpoint.url);
    endpoint.respondWith(
      { status: 429, headers: { 'retry-after': '3' } },
      { status: 302, headers: { location: elsewhere.url } },
      200,
    );
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    const [first, second] = endpoint.events;
    expect((second?.at.getTime() ?? 0) - (first?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(2_990);
    expect((await stack.delivery(account, id)).attempts.map(({ outcome }) => outcome)).toEqual([
      'http_error',
      'redirect',
      'ok',
    ]);
    expect(elsewhere.requests).toHaveLength(0);
    await endpoint.close();
    await elsewhere.close();
  });

  it('sends 100 events that were published while paused after the resume', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    const path = `/v1/accounts/${account}/subscriptions/${id}`;
    await stack.call('POST', `${path}/pause`);
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => stack.publish(account, `{"event":"message:created","payload":{"n":${n}}}`)),
    );
    expect(endpoint.events).toHaveLength(0);
    await stack.call('POST', `${path}/resume`);
    await waitFor(() => endpoint.events.length === 100);
    await endpoint.close();
  });

  it('signs with the new and the old secret from the first attempt after a rotation', async () => {
    const endpoint = await openEndpoint();
    const { account, id, secret } = await subscribe(endpoint.url);
    const rotated = await stack.call<{ secret: string }>(
      'POST',
      `/v1/accounts/${account}/subscriptions/${id}/secret/rotate`,
      { overlapSeconds: 60 },
    );
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    const event = await waitFor(() => endpoint.events[0]);
    for (const one of [secret, rotated.secret]) new Webhook(one).verify(event.rawBody.toString(), event.headers);
    expect(event.headers['webhook-signature']?.split(' ')).toHaveLength(2);
    await endpoint.close();
  });

  it('sends nothing for a deleted account, and frees its id when workers have erased it', async () => {
    const endpoint = await openEndpoint();
    endpoint.respondWith(500);
    const { account } = await subscribe(endpoint.url);
    const path = `/v1/accounts/${account}`;
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    await stack.call('DELETE', path, undefined, 202);
    const attempts = endpoint.events.length;
    await stack.call('POST', `${path}/events`, { event: 'message:created', payload: {} }, 404);
    await waitFor(async () => (await stack.call('DELETE', path, undefined, 404).catch(() => null)) !== null);
    await waitFor(() => stack.logs.some((line) => line.includes('account.erased') && line.includes(account)));
    await stack.call('PUT', path, {}, 201);
    // One attempt may have been in flight.
    expect(endpoint.events.length).toBeLessThanOrEqual(attempts + 1);
    await endpoint.close();
  });

  it('regression: sends header values only to the origin they were entered for', async () => {
    const [own, other] = [await openEndpoint(), await openEndpoint()];
    const { account, id } = await subscribe(own.url, { headers: { authorization: 'Bearer hunter2' } });
    const { key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${account}/keys`, {
      name: 'portal',
      scopes: ['subscriptions:write'],
    });
    const changed = await fetch(`${stack.apiUrl}/v1/accounts/${account}/subscriptions/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: other.url }),
    });
    expect(await changed.json()).toMatchObject({ pendingHeaders: {}, headersDropped: ['authorization'] });
    await waitFor(async () => {
      const path = `/v1/accounts/${account}/subscriptions/${id}`;
      return (await stack.call<{ url: string }>('GET', path)).url === other.url;
    });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => other.events.length === 1);
    expect(own.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer hunter2']);
    expect(other.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined, undefined]);
    await Promise.all([own.close(), other.close()]);
  });

  it('sends custom headers, and logs none of them, no secret and no payload (X7)', async () => {
    const endpoint = await openEndpoint();
    const { account, secret } = await subscribe(`${endpoint.url}?token=hunter3`, {
      headers: { authorization: 'Bearer hunter2' },
    });
    await stack.publish(account, '{"event":"message:created","payload":{"body":"hunter4"}}');
    const event = await waitFor(() => endpoint.events[0]);
    expect(event.headers['authorization']).toBe('Bearer hunter2');
    await waitFor(() => stack.logs.some((line) => line.includes('delivery.attempted') && line.includes(account)));
    await waitFor(() => stack.logs.some((line) => line.includes(`/v1/accounts/${account}/events`)));
    const logged = stack.logs.join('\n');
    for (const word of ['hunter2', 'hunter3', 'hunter4', secret, secret.slice(6), stack.operatorKey])
      expect(logged).not.toContain(word);
    await endpoint.close();
  });

  it('records an attempt with its outcome for each kind of hostile response', async () => {
    const endpoint = await openEndpoint();
    const { account } = await subscribe(endpoint.url);
    const outcomes: [Parameters<typeof endpoint.respondWith>[0], string][] = [
      ['close', 'connect_error'],
      [{ raw: 'garbage\r\n\r\n' }, 'bad_response'],
      [{ status: 304 }, 'redirect'],
      [{ status: 200, body: 'x'.repeat(300_000) }, 'ok'],
    ];
    for (const [response, outcome] of outcomes) {
      endpoint.respondWith(response, 200);
      const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
      const delivery = await waitFor(async () => {
        const found = await stack.delivery(account, id);
        return found.status === 'succeeded' && found;
      });
      expect(delivery.attempts[0]).toMatchObject({ outcome });
    }
    await endpoint.close();
  });
});
