import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
let url: string;
const aborts: AbortController[] = [];
beforeAll(async () => {
  api = await openTestApi();
  url = await api.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  for (const abort of aborts) abort.abort();
  await api.close();
});

interface Told {
  event: string;
  id: string;
  data: { id: string; subscriptionId: string; deliveryId?: string; accountId: string };
}

/** Follows a stream over HTTP. `text` grows with what it sends. */
async function listen(
  path: string,
  { key = api.deps.operatorKey, headers = {} }: { key?: string; headers?: Record<string, string> } = {},
) {
  const abort = new AbortController();
  aborts.push(abort);
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    signal: abort.signal,
  });
  const stream = { response, text: '', isOver: false, close: () => abort.abort(), told };
  const reading = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) stream.text += decoder.decode(chunk, { stream: true });
  };
  void reading().then(
    () => (stream.isOver = true),
    () => (stream.isOver = true),
  );
  return stream;

  function told(): Told[] {
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
const tells = (stream: Stream, events: number) => waitFor(() => stream.told().length >= events);

describe('GET …/stream', () => {
  it('tells of each delivery and each attempt, with what lists need', async () => {
    const account = await api.account();
    const subscription = await api.activeSubscription(account);
    const stream = await listen(`/v1/accounts/${account}/stream`);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.response.headers.get('cache-control')).toBe('no-store');
    await publish(account);
    await tells(stream, 2);
    const of = { accountId: account, subscriptionId: subscription, event: 'message:created' };
    const told = stream.told().toSorted((a, b) => (a.event < b.event ? 1 : -1));
    expect(told.map(({ event }) => event)).toEqual(['delivery', 'attempt']);
    const [delivery, attempt] = told;
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

  it('of its account and its subscriptions alone; the operator’s, of all', async () => {
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
    await tells(all, 6);
    await tells(own, 4);
    await tells(filtered, 2);
    expect(
      own
        .told()
        .map(({ data }) => data.subscriptionId)
        .toSorted(),
    ).toEqual([one, one, two, two].toSorted());
    expect(filtered.told().map(({ data }) => data.subscriptionId)).toEqual([two, two]);
    expect(new Set(all.told().map(({ data }) => data.accountId))).toEqual(new Set([account, other]));
    for (const stream of [own, filtered, all]) stream.close();
  });

  it('goes on after the last one that was seen', async () => {
    const account = await api.account();
    await api.activeSubscription(account);
    const path = `/v1/accounts/${account}/stream`;
    const first = await listen(path);
    await publish(account);
    await tells(first, 2);
    first.close();
    const seen = first.told();
    await publish(account);
    const back = await listen(path, { headers: { 'last-event-id': seen.at(-1)?.id ?? '' } });
    await tells(back, 3);
    const ids = new Set(seen.map(({ id }) => id));
    expect(back.told().filter(({ id }) => !ids.has(id))).toHaveLength(2);
    expect(new Set(back.told().map(({ id }) => id)).size).toBe(back.told().length);
    back.close();
    expect((await listen(path, { headers: { 'last-event-id': 'yesterday' } })).response.status).toBe(422);
  });

  it('404 for an account that is not there; 429 for the 21st at once, until one is closed', async () => {
    expect((await listen('/v1/accounts/nobody/stream')).response.status).toBe(404);
    const path = `/v1/accounts/${await api.account()}/stream`;
    const streams = await Promise.all(Array.from({ length: 20 }, () => listen(path)));
    const refused = await listen(path);
    expect([refused.response.status, refused.response.headers.get('retry-after')]).toEqual([429, '10']);
    streams[0]?.close();
    await waitFor(async () => {
      const again = await listen(path);
      if (again.response.status === 200) streams.push(again);
      return again.response.status === 200;
    });
    for (const stream of streams) stream.close();
  });

  it('ends with the session, and with the key, that it was opened with; until then it says that it goes on', async () => {
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
    await waitFor(() => kept.text.includes(': still here\n\n'));
    expect(kept.isOver).toBe(false);
    kept.close();
  });

  it('ends when the API closes, which does not wait for it', async () => {
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
