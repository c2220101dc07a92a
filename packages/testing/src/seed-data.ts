import { openEndpoint, type Endpoint } from './open-endpoint.js';
import { waitFor } from './wait-for.js';

/** A running Posthorn, as used by its operator. */
export interface SeededStack {
  databaseUrl: string;
  /** Makes an API call as the operator; returns the parsed response. Throws on a status that is not 2xx. */
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  /** Publishes these exact bytes. */
  publish(account: string, body: string): Promise<{ id: string }>;
}

/** Ids of the interesting objects of a console in use. */
export interface SeedData {
  account: string;
  /** An account without any activity. */
  empty: string;
  webhook: string;
  failingWebhook: string;
  unverifiedWebhook: string;
  /** Disabled because it returned 410. */
  disabledWebhook: string;
  /** Delivered to one webhook, failed at another. */
  event: string;
  /** No subscription matched it. */
  unmatchedEvent: string;
  delivery: string;
  /** Failed after two attempts. */
  failedDelivery: string;
  replay: string;
  /** All endpoints, and the hosts that they represent. */
  endpoints: { endpoint: Endpoint; host: string }[];
  close(): Promise<void>;
}

/** Deliveries fail for good after two seconds. Endpoints that must keep deliveries pending send a longer Retry-After. */
export const SEED_ENV = { RETRY_SCHEDULE_SECONDS: '2' };

const PAYLOAD = {
  message: { id: 48_151, body: 'Hi, where is my order?', conversation_id: 1_623, created_at: '2026-11-22T09:41:07Z' },
  customer: { name: 'Zoë Quinn', email: 'zoe@example.com' },
};
const event = (type: string, payload: object = PAYLOAD): string => JSON.stringify({ event: type, payload });

/** Adds data to a fresh stack with SEED_ENV: two accounts, a webhook in each state, deliveries in each, a replay, keys. */
export async function seedData(stack: SeededStack): Promise<SeedData> {
  const endpoints: SeedData['endpoints'] = [];
  const open = async (host: string): Promise<Endpoint> => {
    const endpoint = await openEndpoint();
    endpoints.push({ endpoint, host });
    return endpoint;
  };
  const of = (account: string) => `/v1/accounts/${account}`;
  for (const [account, name] of [
    ['umbrella', 'Umbrella Health'],
    ['globex', 'Globex Travel'],
    ['acme', 'Acme Support'],
  ] as const)
    await stack.call('PUT', of(account), { name });

  interface Webhook {
    id: string;
    endpoint: Endpoint;
  }
  const settled = async (account: string, id: string, status: string) =>
    waitFor(
      async () => (await stack.call<{ status: string }>('GET', `${of(account)}/subscriptions/${id}`)).status === status,
      {
        what: `the webhook to be ${status}`,
      },
    );
  async function addWebhook(account: string, host: string, fields: object): Promise<Webhook> {
    const endpoint = await open(host);
    const { id } = await stack.call<{ id: string }>('POST', `${of(account)}/subscriptions`, {
      url: endpoint.url,
      ...fields,
    });
    await settled(account, id, 'active');
    return { id, endpoint };
  }
  const deliveryTo = async (account: string, eventId: string, webhook: Webhook): Promise<string> => {
    const path = `${of(account)}/deliveries?event=${eventId}&subscription=${webhook.id}`;
    const { data } = await stack.call<{ data: { id: string }[] }>('GET', path);
    return data[0]?.id ?? '';
  };
  const toBe = (account: string, delivery: string, status: string, attempts: number) =>
    waitFor(
      async () => {
        const now = await stack.call<{ status: string; attemptCount: number }>(
          'GET',
          `${of(account)}/deliveries/${delivery}`,
        );
        return now.status === status && now.attemptCount === attempts;
      },
      { what: `the delivery to be ${status}` },
    );

  // A webhook that returned 410, one that was never verified, one that is paused.
  const old = await addWebhook('acme', 'old.acme.example', { description: 'The chatbot of last year' });
  old.endpoint.respondWith(410);
  await stack.publish('acme', event('conversation:updated', {}));
  await settled('acme', old.id, 'disabled');
  const wrong = await open('staging.acme.example');
  wrong.respondToHandshakeWith({ body: '{"ok":true}', headers: { 'content-type': 'application/json' } });
  const unverified = await stack.call<{ id: string }>('POST', `${of('acme')}/subscriptions`, { url: wrong.url });
  const bridge = await addWebhook('acme', 'bridge.acme.example', {
    description: 'Posts to the team’s channel',
    events: ['conversation:created'],
  });
  await stack.call('POST', `${of('acme')}/subscriptions/${bridge.id}/pause`);
  await stack.publish('acme', event('conversation:created'));

  // A failing webhook with pending and failed deliveries, and a healthy one.
  const warehouse = await addWebhook('acme', 'warehouse.acme.example', {
    description: 'Nightly reports',
    events: ['message:*'],
  });
  const unavailable = {
    status: 503,
    headers: { 'content-type': 'application/json' },
    body: '{"error":"upstream connect error","detail":"connection pool exhausted","request_id":"7f3a0c"}',
  };
  warehouse.endpoint.respondWith(unavailable);
  const crm = await addWebhook('acme', 'hooks.acme.example', { description: 'CRM' });
  crm.endpoint.respondWith({ headers: { 'content-type': 'application/json' }, body: '{"received":true}' });
  const failed = await stack.publish('acme', event('message:created'));
  const failedDelivery = await deliveryTo('acme', failed.id, warehouse);
  await toBe('acme', failedDelivery, 'failed', 2);
  warehouse.endpoint.respondWith({ ...unavailable, headers: { ...unavailable.headers, 'retry-after': '3500' } });
  for (const type of ['message:created', 'conversation:updated', 'message:created'])
    await stack.publish('acme', event(type));
  const last = await stack.publish('acme', event('message:created'));
  const delivery = await deliveryTo('acme', failed.id, crm);
  await toBe('acme', delivery, 'succeeded', 1);
  await toBe('acme', await deliveryTo('acme', last.id, warehouse), 'pending', 1);

  // Another account with a replayed failure, and an event without a matching webhook.
  const trips = await addWebhook('globex', 'api.globex.example', { events: ['message:created'] });
  trips.endpoint.respondWith(500);
  const trip = await stack.publish('globex', event('message:created'));
  const broken = await deliveryTo('globex', trip.id, trips);
  await toBe('globex', broken, 'failed', 2);
  trips.endpoint.respondWith(200);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const replay = await stack.call<{ id: string }>('POST', `${of('globex')}/replays`, {
    since,
    which: 'failed',
    subscriptions: [trips.id],
  });
  await toBe('globex', broken, 'succeeded', 3);
  const unmatched = await stack.publish('globex', event('conversation:created', {}));
  for (const name of ['Backend', 'Reporting']) await stack.call('POST', `${of('acme')}/keys`, { name });

  await waitFor(
    async () => {
      const path = `${of('acme')}/deliveries?status=pending`;
      const { data } = await stack.call<{ data: { lastAttempt: object | null }[] }>('GET', path);
      return data.every(({ lastAttempt }) => lastAttempt !== null);
    },
    { what: 'an attempt of each delivery' },
  );

  return {
    account: 'acme',
    empty: 'umbrella',
    webhook: crm.id,
    failingWebhook: warehouse.id,
    unverifiedWebhook: unverified.id,
    disabledWebhook: old.id,
    event: failed.id,
    unmatchedEvent: unmatched.id,
    delivery,
    failedDelivery,
    replay: replay.id,
    endpoints,
    close: async () => void (await Promise.all(endpoints.map(({ endpoint }) => endpoint.close()))),
  };
}
