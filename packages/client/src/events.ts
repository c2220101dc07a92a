import { type Api, dataOf } from './api.js';
import { followEvents, type FollowEventsOptions, type FollowedEvents } from './follow.js';
import { listOf } from './list.js';
import type { CallOptions } from './routes.js';
import type { EventDetail, EventMap, KnownEvent, MissingEvent, NewEvent, PublishedEvent, QueryOf } from './types.js';

export const eventsOf = <Events extends EventMap<Events>>({ routes, once, repeatable }: Api) => ({
  /** Publishes an event. When it returns, the event and its deliveries are stored durably. */
  publish: (account: string, event: NewEvent<Events>, options?: CallOptions): Promise<PublishedEvent> => {
    const { idempotencyKey, ...body } = bodyOf(event);
    const params = { path: { account }, header: { 'Idempotency-Key': idempotencyKey } };
    return dataOf(routes.POST('/v1/accounts/{account}/events', { params, body, ...repeatable(options) }));
  },

  /** Publishes 1 to 500 events: either all of them, or none. Returns them in the same order. */
  publishBatch: async (
    account: string,
    batch: readonly NewEvent<Events>[],
    options?: CallOptions,
  ): Promise<PublishedEvent[]> => {
    const params = { path: { account } };
    const body = { events: batch.map(bodyOf) };
    const { data } = await dataOf(
      routes.POST('/v1/accounts/{account}/events/batch', { params, body, ...repeatable(options) }),
    );
    return data;
  },

  /** Returns which of 1 to 500 accepted events the account does not have, for example after a restore of the database. Changes nothing. */
  findMissing: async (
    account: string,
    events: readonly KnownEvent[],
    options?: CallOptions,
  ): Promise<MissingEvent[]> => {
    const params = { path: { account } };
    const { data } = await dataOf(
      routes.POST('/v1/accounts/{account}/events/missing', {
        params,
        body: { events: [...events] },
        ...repeatable(options),
      }),
    );
    return data;
  },

  list: (account: string, query: QueryOf<'events.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/accounts/{account}/events', { params: { path: { account }, query: page }, ...once(options) }),
      ),
    ),

  /** Returns an event with its payload and the state of its deliveries. */
  get: (account: string, event: string, options?: CallOptions): Promise<EventDetail> =>
    dataOf(
      routes.GET('/v1/accounts/{account}/events/{event}', { params: { path: { account, event } }, ...once(options) }),
    ),

  /** Follows the events of an account as they are published, for development: `posthorn listen` forwards them. Reconnects, ends and throws
   *  like `deliveries.follow`. */
  follow: (account: string, options?: FollowEventsOptions): AsyncGenerator<FollowedEvents, void> =>
    followEvents(routes, account, options),
});

/** The event with a key, so that repeating the request publishes once. */
function bodyOf(given: { event: string; payload: object; idempotencyKey?: string | undefined }) {
  const { event, payload, idempotencyKey = crypto.randomUUID() } = given;
  // Headers with other characters are refused before the API can say why.
  if (!/^[\x20-\x7e]{1,255}$/.test(idempotencyKey))
    throw new TypeError('idempotencyKey must be 1 to 255 printable ASCII characters');
  return { event, payload: payload as Record<string, unknown>, idempotencyKey };
}
