import { type Api, dataOf } from './api.js';
import { listOf } from './list.js';
import type { CallOptions } from './routes.js';
import type {
  ChangedSubscription,
  ChangeSubscription,
  CreateSubscription,
  DisableSubscription,
  EventMap,
  FilterTest,
  QueryOf,
  RotateSecret,
  Secrets,
  Subscription,
  TestFilter,
  TestSent,
} from './types.js';

/** A test event. Default payload: the example of the catalogue. */
export type TestOf<Events> = {
  [Type in keyof Events & string]: { event?: Type; payload?: Events[Type] };
}[keyof Events & string];

export const subscriptionsOf = <Events extends EventMap<Events>>({ routes, once, repeatable }: Api) => ({
  /** Creates a subscription. Posthorn sends the handshake to its URL; until the URL passes it, the subscription is `unverified`. */
  create: (account: string, fields: CreateSubscription, options?: CallOptions): Promise<Subscription> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/subscriptions', {
        params: { path: { account } },
        body: fields,
        ...once(options),
      }),
    ),

  list: (account: string, query: QueryOf<'subscriptions.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/accounts/{account}/subscriptions', {
          params: { path: { account }, query: page },
          ...once(options),
        }),
      ),
    ),

  /** Searches the subscriptions of all accounts. Operator only. */
  search: (query: QueryOf<'subscriptions.search'>, options?: CallOptions) =>
    listOf(query, (page) => dataOf(routes.GET('/v1/subscriptions', { params: { query: page }, ...once(options) }))),

  get: (
    account: string,
    subscription: string,
    query: QueryOf<'subscriptions.get'> = {},
    options?: CallOptions,
  ): Promise<Subscription> =>
    dataOf(routes.GET(SUBSCRIPTION, { params: { path: { account, subscription }, query }, ...once(options) })),

  /** Changes a subscription. Absent fields stay unchanged. A new `url` is `pendingUrl` until it is verified. */
  change: (
    account: string,
    subscription: string,
    fields: ChangeSubscription,
    options?: CallOptions,
  ): Promise<ChangedSubscription> =>
    dataOf(routes.PATCH(SUBSCRIPTION, { params: { path: { account, subscription } }, body: fields, ...once(options) })),

  delete: (account: string, subscription: string, options?: CallOptions): Promise<void> =>
    dataOf(routes.DELETE(SUBSCRIPTION, { params: { path: { account, subscription } }, ...once(options) })),

  /** Holds its deliveries until it is resumed. */
  pause: (account: string, subscription: string, options?: CallOptions): Promise<Subscription> =>
    dataOf(
      routes.POST(`${SUBSCRIPTION}/pause`, { params: { path: { account, subscription } }, ...repeatable(options) }),
    ),

  /** Sends its held deliveries. Also enables a disabled subscription. */
  resume: (account: string, subscription: string, options?: CallOptions): Promise<Subscription> =>
    dataOf(
      routes.POST(`${SUBSCRIPTION}/resume`, { params: { path: { account, subscription } }, ...repeatable(options) }),
    ),

  /** Disables it. Default: its pending deliveries are canceled. */
  disable: (
    account: string,
    subscription: string,
    fields?: DisableSubscription,
    options?: CallOptions,
  ): Promise<Subscription> =>
    dataOf(
      routes.POST(`${SUBSCRIPTION}/disable`, {
        params: { path: { account, subscription } },
        ...(fields && { body: fields }),
        ...repeatable(options),
      }),
    ),

  /** Sends the handshake again. */
  verify: (account: string, subscription: string, options?: CallOptions): Promise<Subscription> =>
    dataOf(routes.POST(`${SUBSCRIPTION}/verify`, { params: { path: { account, subscription } }, ...once(options) })),

  /** Returns the signing secrets, with which `verify` and `handleWebhook` check requests. */
  getSecret: (account: string, subscription: string, options?: CallOptions): Promise<Secrets> =>
    dataOf(routes.GET(`${SUBSCRIPTION}/secret`, { params: { path: { account, subscription } }, ...once(options) })),

  /** Creates a new secret. The old one also signs for `overlapSeconds`. */
  rotateSecret: (
    account: string,
    subscription: string,
    fields?: RotateSecret,
    options?: CallOptions,
  ): Promise<Secrets> =>
    dataOf(
      routes.POST(`${SUBSCRIPTION}/secret/rotate`, {
        params: { path: { account, subscription } },
        ...(fields && { body: fields }),
        ...once(options),
      }),
    ),

  /** Sends a test event to this subscription only. */
  test: (account: string, subscription: string, event: TestOf<Events> = {}, options?: CallOptions): Promise<TestSent> =>
    dataOf(
      routes.POST(`${SUBSCRIPTION}/test`, {
        params: { path: { account, subscription } },
        body: event as { event?: string; payload?: Record<string, unknown> },
        ...once(options),
      }),
    ),

  /** Returns which of the newest events a subscription with this filter would get. Stores nothing. */
  testFilter: (account: string, fields: TestFilter, options?: CallOptions): Promise<FilterTest> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/subscriptions/filter-test', {
        params: { path: { account } },
        body: fields,
        ...repeatable(options),
      }),
    ),
});

const SUBSCRIPTION = '/v1/accounts/{account}/subscriptions/{subscription}';
