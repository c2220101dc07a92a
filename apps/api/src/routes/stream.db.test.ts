import { waitFor } from '@posthorn/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
let url: string;
const aborts: AbortController[] = [];
afterEach(() => void vi.useRealTimers());
beforeAll(async () => {
  api = await openTestApi();
  url = await api.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  for (const abort of aborts) abort.abort();
  await api.close();
});

interface StreamEvent {
  event: string;
  id: string;
  data: { id: string; subscriptionId: string; deliveryId?: string; accountId: string };
}

/** Follows a stream over HTTP. Received text is appended to `text`. */
async function listen(
  path: string,
  { key = api.deps.operatorKey, headers = {} }: { key?: string | null; headers?: Record<string, string> } = {},
) {
  const abort = new AbortController();
  aborts.push(abort);
  const response = await fetch(url + path, {
    headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...headers },
    signal: abort.signal,
  });
  const stream = { response, text: '', isOver: false, close: () => abort.abort(), result, all };
  const reading = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) stream.text += decoder.decode(chunk, { stream: true });
  };
  void reading().then(
    () => (stream.isOver = true),
    () => (stream.isOver = true),
  );
  return stream;

  function result(): StreamEvent[] {
    return all().filter(({ event }) => event !== 'started');
  }
  function all(): StreamEvent[] {
    return [...stream.text.matchAll(/event: (\w+)\nid: (\w+)\ndata: (.*)\n\n/g)].map(
      ([, event = '', id = '', data = '']) => ({
        event,
        id,
        data: JSON.parse(data),
      }),
    );
  }
}
type Stream = Awaited<ReturnType<typeof listen>>;

const publish = async (account: string) => {
  await api.call('POST', `/v1/accounts/${account}/events`, { body: { event: 'message:created', payload: {} } });
  await api.deps.publisher.drain();
  await api.work();
};
const hasEvents = (stream: Stream, events: number) => waitFor(() => stream.result().length >= events);

describe('GET …/stream', () => {
  it('sends each delivery and each attempt, with the fields that lists need', async () => {
    const account = await api.account();
    const subscription = await api.activeSubscription(account);
    const stream = await listen(`/v1/accounts/${account}/stream`);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.response.headers.get('cache-control')).toBe('no-store');
    await publish(account);
    await hasEvents(stream, 2);
    const of = { accountId: account, subscriptionId: subscription, event: 'message:created' };
    const result = stream.result().toSorted((a, b) => (a.event < b.event ? 1 : -1));
    expect(result.map(({ event }) => event)).toEqual(['delivery', 'attempt']);
    const [delivery, attempt] = result;
    expect(delivery).toMatchObject({ id: delivery?.data.id, data: { ...of, status: 'succeeded' } });
    expect(attempt).toMatchObject({
      id: attempt?.data.id,
      data: {
        ...of,
        deliveryId: delivery?.id,
        status: 'succeeded',
        number: 1,
        trigger: 'auto',
        outcome: 'ok',
        statusCode: 200,
      },
    });
    expect(stream.text).not.toMatch(/hooks\.example|payload/);
    stream.close();
  });

  it('sends only events of its account and subscriptions; the operator stream sends all', async () => {
    const [account, other] = [await api.account(), await api.account()];
    const [one, two] = [await api.activeSubscription(account), await api.activeSubscription(account)];
    await api.activeSubscription(other);
    const key = await api.key(account, ['deliveries:read']);
    const [own, filtered, all] = [
      await listen(`/v1/accounts/${account}/stream`, { key }),
      await listen(`/v1/accounts/${account}/stream?subscription=${two}`, { key: await api.portal(account) }),
      await listen('/v1/stream'),
    ];
    await publish(account);
    await publish(other);
    await hasEvents(all, 6);
    await hasEvents(own, 4);
    await hasEvents(filtered, 2);
    expect(
      own
        .result()
        .map(({ data }) => data.subscriptionId)
        .toSorted(),
    ).toEqual([one, one, two, two].toSorted());
    expect(filtered.result().map(({ data }) => data.subscriptionId)).toEqual([two, two]);
    expect(new Set(all.result().map(({ data }) => data.accountId))).toEqual(new Set([account, other]));
    for (const stream of [own, filtered, all]) stream.close();
  });

  it('continues after the last received event', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/stream`;
    const first = await listen(path);
    await publish(account);
    await hasEvents(first, 2);
    first.close();
    const seen = first.result();
    await publish(account);
    const back = await listen(path, { headers: { 'last-event-id': seen.at(-1)?.id ?? '' } });
    await hasEvents(back, 3);
    const ids = new Set(seen.map(({ id }) => id));
    expect(back.result().filter(({ id }) => !ids.has(id))).toHaveLength(2);
    expect(new Set(back.result().map(({ id }) => id)).size).toBe(back.result().length);
    back.close();
    expect((await listen(path, { headers: { 'last-event-id': 'yesterday' } })).response.status).toBe(422);
  });

  it.each(['stream', 'events/stream'])(
    'begins %s with an id that a reconnect continues from, though nothing was received',
    async (path) => {
      const account = await api.account();
      await api.activeSubscription(account);
      const first = await listen(`/v1/accounts/${account}/${path}`);
      await waitFor(() => first.all().length > 0);
      const [started] = first.all();
      expect(started).toMatchObject({ event: 'started', data: {} });
      first.close();
      await publish(account);
      const headers = { 'last-event-id': started?.id ?? '' };
      const back = await listen(`/v1/accounts/${account}/${path}`, { headers });
      await hasEvents(back, 1);
      expect(back.all().filter(({ event }) => event === 'started')).toEqual([]);
      back.close();
    },
  );

  it('returns 404 for an unknown account', async () => {
    expect((await listen('/v1/accounts/nobody/stream')).response.status).toBe(404);
  });

  it('returns 429 for the sixth open stream of a key or a portal, and the 21st of an account, until one is closed (S11)', async () => {
    const account = await api.account();
    const path = `/v1/accounts/${account}/stream`;
    const [key, portal] = [await api.key(account), await api.portal(account)];
    const login = await api.call('POST', '/v1/session', { key: null, body: { key } });
    const cookie = String(login.headers['set-cookie']).split(';', 1)[0] ?? '';
    const streams: Stream[] = [];
    const open = async (caller: Parameters<typeof listen>[1]) => {
      const stream = await listen(path, caller);
      if (stream.response.status === 200) streams.push(stream);
      return stream;
    };
    const refusal = async (caller: Parameters<typeof listen>[1]) => {
      const { response } = await open(caller);
      return [response.status, response.headers.get('retry-after')];
    };
    const FULL = [429, '10'];

    for (let n = 0; n < 5; n += 1) await open({ key: portal });
    expect(await refusal({ key: portal })).toEqual(FULL);
    for (let n = 0; n < 4; n += 1) await open({ key });
    await open({ key: null, headers: { cookie } }); // a session counts for the key that opened it
    expect(await refusal({ key })).toEqual(FULL);
    expect(await refusal({ key: null, headers: { cookie } })).toEqual(FULL);
    expect(streams).toHaveLength(10);
    for (let n = 0; n < 10; n += 1) await open({}); // with the operator key
    expect(streams).toHaveLength(20);
    expect(await refusal({})).toEqual(FULL);
    expect(await refusal({ key: await api.portal(account) })).toEqual(FULL);
    const elsewhere = await listen(`/v1/accounts/${await api.account()}/stream`);
    expect(elsewhere.response.status).toBe(200);

    streams[0]?.close();
    await waitFor(async () => (await open({ key: portal })).response.status === 200);
    for (const stream of [...streams, elsewhere]) stream.close();
  });

  it('ends with its session or key, without waiting for a beat (S11)', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }); // no beats
    const account = await api.account();
    const path = `/v1/accounts/${account}/stream`;
    const [byKey, byPortal, kept] = [
      await listen(path, { key: await api.key(account) }),
      await listen(path, { key: await api.portal(account) }),
      await listen(path),
    ];
    const [{ id }] = (await api.call('GET', `/v1/accounts/${account}/keys`)).json.data;
    await api.call('DELETE', `/v1/accounts/${account}/keys/${id}`);
    await api.call('DELETE', `/v1/accounts/${account}/portal-sessions`);
    await waitFor(() => byKey.isOver && byPortal.isOver);
    expect(kept.isOver).toBe(false);
    kept.close();
  });

  it('sends a comment every 15 s', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const stream = await listen('/v1/stream');
    vi.advanceTimersByTime(15_000);
    await waitFor(() => stream.text.includes(': still here\n\n'));
    stream.close();
  });

  it('ends when the API closes, and does not delay it', async () => {
    const closing = await openTestApi();
    const at = await closing.app.listen({ port: 0, host: '127.0.0.1' });
    const response = await fetch(`${at}/v1/stream`, {
      headers: { authorization: `Bearer ${closing.deps.operatorKey}` },
    });
    const read = response.text();
    await closing.close();
    expect(await read).toContain('retry: 2000');
  });
});

describe('GET …/events/stream', () => {
  const body = (event: string, payload: string) => `{"event":"${event}","payload":${payload}}`;
  const received = (stream: Stream) =>
    stream.result().map(({ event, id, data }) => ({ event, id, body: (data as unknown as { body: string }).body }));

  it('sends each event with the exact text that subscriptions receive, also without a subscription', async () => {
    const account = await api.account();
    const stream = await listen(`/v1/accounts/${account}/events/stream`);
    const text = body('message:created', '{"2":1.50,"1":"ü\\ud83d \\n","big":12345678901234567890}');
    const { json } = await api.call('POST', `/v1/accounts/${account}/events`, { body: text });
    await hasEvents(stream, 1);
    expect(received(stream)).toEqual([{ event: 'event', id: json.id, body: text }]);
    stream.close();
  });

  it('sends only events of its account and of the types in the filter, and no test or suppressed event', async () => {
    const [account, other] = [await api.account(), await api.account()];
    const subscription = await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/events/stream`;
    const key = await api.key(account, ['events:read']);
    const [all, exact, family] = [
      await listen(path, { key }),
      await listen(`${path}?event=conversation:created`, { key }),
      await listen(`${path}?event=message:*`, { key }),
    ];
    const send = (of: string, text: string) => api.call('POST', `/v1/accounts/${of}/events`, { body: text });
    await send(other, body('message:created', '{"of":"other"}'));
    await send(account, body('message:created', '{"metadata":{"disable_webhook_events":true}}'));
    await api.call('POST', `/v1/accounts/${account}/subscriptions/${subscription}/test`, { body: {} });
    await send(account, body('conversation:created', '{}'));
    await send(account, body('message:created', '{}'));
    await hasEvents(all, 2);
    await hasEvents(exact, 1);
    await hasEvents(family, 1);
    const types = (stream: Stream) => received(stream).map((one) => one.body);
    expect(types(all)).toEqual([body('conversation:created', '{}'), body('message:created', '{}')]);
    expect(types(exact)).toEqual([body('conversation:created', '{}')]);
    expect(types(family)).toEqual([body('message:created', '{}')]);
    for (const stream of [all, exact, family]) stream.close();
  });

  it('continues after the last received event', async () => {
    const account = await api.account();
    const path = `/v1/accounts/${account}/events/stream`;
    const send = async () =>
      (await api.call('POST', `/v1/accounts/${account}/events`, { body: body('message:created', '{}') })).json.id;
    const [one, two] = [await send(), await send()];
    const back = await listen(path, { headers: { 'last-event-id': one } });
    await waitFor(() => received(back).some(({ id }) => id === two));
    back.close();
    expect((await listen(path, { headers: { 'last-event-id': 'yesterday' } })).response.status).toBe(422);
  });

  it('403 without events:read, 404 for an unknown account, 422 for a type that is no type', async () => {
    const account = await api.account();
    const path = `/v1/accounts/${account}/events/stream`;
    const status = async (...given: Parameters<typeof listen>) => (await listen(...given)).response.status;
    expect(await status(path, { key: await api.key(account, ['deliveries:read']) })).toBe(403);
    expect(await status('/v1/accounts/nobody/events/stream')).toBe(404);
    expect(await status(`${path}?event=a%20b`)).toBe(422);
  });
});
