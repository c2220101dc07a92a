import { type Subscription, toUuid } from '@posthorn/contract';
import { openEndpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { describe, expect, inject } from 'vitest';
import { it } from './shared-stack.js';
import type { Stack } from './stack.js';

const MESSAGE = '{"event":"message:created","payload":{}}';

describe.each(inject('queueBackends'))('control over pending deliveries on %s', (backend) => {
  let stack: Stack;
  it.beforeAll(async ({ sharedStackOn }) => void (stack = await sharedStackOn(backend)));

  const subscribe: Stack['subscribe'] = (url, extra) => stack.subscribe(url, { retrySchedule: [60], ...extra });

  /** Counts the deliveries of an account with this status and this many attempts. */
  async function count(account: string, status: string, attempts: number): Promise<number> {
    const path = `/v1/accounts/${account}/deliveries?status=${status}&limit=100`;
    const { data } = await stack.call<{ data: { attemptCount: number }[] }>('GET', path);
    return data.filter(({ attemptCount }) => attemptCount === attempts).length;
  }

  const subscription = (account: string, id: string) =>
    stack.call<Subscription>('GET', `/v1/accounts/${account}/subscriptions/${id}`);

  /** Changes the ledger as time or a restore would. Returns the number of rows. */
  async function ledger(statement: string, values: unknown[]): Promise<number | null> {
    const client = new pg.Client(stack.databaseUrl);
    await client.connect();
    try {
      return (await client.query(statement, values)).rowCount;
    } finally {
      await client.end();
    }
  }

  it('sends nothing after a disable with hold until the resume; then 30 arrive, without events published meanwhile', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    const path = `/v1/accounts/${account}/subscriptions/${id}`;
    await stack.call('POST', `${path}/pause`);
    await Promise.all(Array.from({ length: 30 }, () => stack.publish(account, MESSAGE)));
    await stack.call('POST', `${path}/disable`, { deliveries: 'hold' });
    expect(await count(account, 'held', 0)).toBe(30);
    const { deliveries } = await stack.publish(account, MESSAGE);
    expect(deliveries).toBe(0);
    expect(endpoint.events).toHaveLength(0);
    await stack.call('POST', `${path}/resume`);
    await waitFor(async () => (await count(account, 'succeeded', 1)) === 30);
    expect(endpoint.events).toHaveLength(30);
    await endpoint.close();
  });

  it('ends each attempt at the timeout of the subscription, and fails after its own schedule', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url, { retrySchedule: [1] });
    // After the handshake: a busy machine may need longer for it.
    await stack.call('PATCH', `/v1/accounts/${account}/subscriptions/${id}`, { timeoutMs: 200 });
    endpoint.respondWith('never');
    const event = await stack.publish(account, MESSAGE);
    const delivery = await waitFor(async () => {
      const found = await stack.delivery(account, event.id);
      return found.status === 'failed' && found;
    });
    expect(delivery).toMatchObject({ attemptCount: 2, maxAttempts: 2, statusReason: 'exhausted' });
    expect(delivery.attempts.map(({ outcome, error }) => [outcome, error])).toEqual([
      ['timeout', expect.stringContaining('0.2 s')],
      ['timeout', expect.stringContaining('0.2 s')],
    ]);
    await endpoint.close();
  });

  it('sends each held delivery once after the resume, even if its retry was delayed in the queue', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    const path = `/v1/accounts/${account}/subscriptions/${id}`;
    endpoint.respondWith(500);
    await Promise.all(Array.from({ length: 8 }, () => stack.publish(account, MESSAGE)));
    await waitFor(async () => (await count(account, 'pending', 1)) === 8);
    await stack.call('POST', `${path}/disable`, { deliveries: 'hold' });
    expect(await count(account, 'held', 1)).toBe(8);
    endpoint.respondWith(200);
    await stack.call('POST', `${path}/resume`);
    // Within a fraction of the minute of their retry delay.
    await waitFor(async () => (await count(account, 'succeeded', 2)) === 8);
    expect(endpoint.events).toHaveLength(16);
    await endpoint.close();
  });

  it('cancels waiting deliveries with a reason when the subscription is disabled, and leaves none pending', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    endpoint.respondWith(500);
    const events = await Promise.all(Array.from({ length: 4 }, () => stack.publish(account, MESSAGE)));
    await waitFor(async () => (await count(account, 'pending', 1)) === 4);
    await stack.call('POST', `/v1/accounts/${account}/subscriptions/${id}/disable`);
    for (const event of events) {
      const delivery = await waitFor(async () => {
        const found = await stack.delivery(account, event.id);
        return found.status !== 'pending' && found;
      });
      expect(delivery).toMatchObject({
        status: 'canceled',
        statusReason: 'subscription_disabled',
        nextAttemptAt: null,
      });
    }
    await endpoint.close();
  });

  it('sends a manual retry only to the endpoint that failed', async () => {
    const endpoints = await Promise.all([openEndpoint(), openEndpoint(), openEndpoint()]);
    const [first, failing, third] = endpoints;
    const { account } = await subscribe(first.url);
    for (const { url } of [failing, third])
      await stack.call('POST', `/v1/accounts/${account}/subscriptions`, { url, retrySchedule: [60] });
    const active = `/v1/accounts/${account}/subscriptions?status=active`;
    await waitFor(async () => (await stack.call<{ data: object[] }>('GET', active)).data.length === 3);
    failing.respondWith(500, 200);
    const { id } = await stack.publish(account, MESSAGE);
    const deliveries = `/v1/accounts/${account}/deliveries?event=${id}`;
    const waiting = await waitFor(async () => {
      const { data } = await stack.call<{ data: { id: string; status: string; attemptCount: number }[] }>(
        'GET',
        deliveries,
      );
      return (
        data.filter(({ status }) => status === 'succeeded').length === 2 &&
        data.find((one) => one.attemptCount === 1 && one.status === 'pending')
      );
    });
    await stack.call('POST', `/v1/accounts/${account}/deliveries/${waiting.id}/retry`, undefined, 202);
    await waitFor(async () => {
      const { data } = await stack.call<{ data: { status: string }[] }>('GET', deliveries);
      return data.every(({ status }) => status === 'succeeded');
    });
    expect(endpoints.map(({ events }) => events.length)).toEqual([1, 2, 1]);
    await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  });

  it('regression: probes an expired open circuit at once, although retries are scheduled within each minute', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    endpoint.respondWith(500);
    await Promise.all(Array.from({ length: 10 }, () => stack.publish(account, MESSAGE)));
    await waitFor(async () => (await count(account, 'pending', 1)) === 10);
    await Promise.all(Array.from({ length: 40 }, () => stack.publish(account, MESSAGE)));
    // As after hours: the retries are spread over the next hours, and the open circuit has expired.
    const spread = await ledger(
      `UPDATE pending_deliveries d SET due_at = t.at, leased_until = NULL
       FROM (SELECT id, now() + row_number() OVER (ORDER BY id) * interval '50 seconds' AS at FROM pending_deliveries WHERE subscription_id = $1) t
       WHERE d.id = t.id AND d.status = 'pending'`,
      [toUuid('sub', id)],
    );
    expect(spread).toBe(50);
    endpoint.respondWith(200);
    const late = await stack.publish(account, MESSAGE);
    await ledger(`UPDATE subscriptions SET circuit_open_until = now() WHERE id = $1`, [toUuid('sub', id)]);
    await waitFor(async () => (await stack.delivery(account, late.id)).status === 'succeeded');
    await endpoint.close();
  });

  it('sends the deliveries that wait for their retries soon after the endpoint works again, each once', async () => {
    const endpoint = await openEndpoint();
    const { account, id } = await subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '36000' } }); // the retries are due in ten hours
    await Promise.all(Array.from({ length: 9 }, () => stack.publish(account, MESSAGE)));
    await waitFor(async () => (await count(account, 'pending', 1)) === 9);
    await Promise.all(Array.from({ length: 20 }, () => stack.publish(account, MESSAGE)));
    await waitFor(async () => (await subscription(account, id)).circuit.state === 'open');
    const delivered: (string | undefined)[] = [];
    endpoint.respondWith(({ headers }) => {
      delivered.push(headers['webhook-id']);
      return 200;
    });
    await stack.call('POST', `/v1/accounts/${account}/subscriptions/${id}/test`, {}, 202);
    const pending = `/v1/accounts/${account}/deliveries?status=pending&limit=1`;
    await waitFor(async () => (await stack.call<{ data: object[] }>('GET', pending)).data.length === 0);
    expect(delivered).toHaveLength(30);
    expect(new Set(delivered).size).toBe(30);
    await waitFor(async () => (await subscription(account, id)).lastOutage?.isCatchingUp === false);
    await endpoint.close();
  });

  it('regression: sends a delivery again after a restore to before its attempt, although the queue has finished its job', async () => {
    const endpoint = await openEndpoint();
    const { account } = await subscribe(endpoint.url);
    const event = await stack.publish(account, MESSAGE);
    await waitFor(async () => (await count(account, 'succeeded', 1)) === 1);
    const { id } = await stack.delivery(account, event.id);
    await ledger('DELETE FROM earlier_attempts WHERE delivery_id = $1', [toUuid('dlv', id)]);
    await ledger(
      `WITH d AS (DELETE FROM finished_deliveries WHERE id = $1 RETURNING *)
       INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at, leased_until)
       SELECT id, account_id, event_id, event_type, subscription_id, created_at, 'pending', now() - interval '1 minute', now() FROM d`,
      [toUuid('dlv', id)],
    );
    await waitFor(async () => (await count(account, 'succeeded', 1)) === 1);
    expect(endpoint.events).toHaveLength(2);
    await endpoint.close();
  });
});
