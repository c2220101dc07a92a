import { followStream, type StreamOptions } from './follow-stream.js';
import type { StreamMessage } from './parse-stream.js';
import type { Routes } from './routes.js';
import type { Attempt, Delivery, Event } from './types.js';

type About = 'accountId' | 'subscriptionId' | 'eventId' | 'event' | 'status';

export type FollowedDelivery = Pick<Delivery, About | 'id' | 'createdAt'>;

/** `status` is that of the delivery. */
export type FollowedAttempt = Pick<Delivery, About> &
  Pick<Attempt, 'id' | 'number' | 'trigger' | 'outcome' | 'statusCode' | 'durationMs' | 'startedAt'> & {
    deliveryId: string;
  };

/** `body` is the exact text that endpoints receive. Sign its bytes in UTF-8, not a new serialization. */
export type FollowedEvent = Pick<Event, 'id' | 'accountId' | 'event' | 'createdAt'> & { body: string };

/** Posthorn skipped this many, because too many happened at once. null: unknown. The lists have all of them. */
interface Skipped {
  type: 'skipped';
  count: number | null;
}

export type Followed =
  | { type: 'delivery'; delivery: FollowedDelivery }
  | { type: 'attempt'; attempt: FollowedAttempt }
  | Skipped;
export type FollowedEvents = { type: 'event'; event: FollowedEvent } | Skipped;

export interface FollowOptions extends StreamOptions {
  /** Only these subscriptions. */
  subscription?: string | string[] | undefined;
}

export interface FollowEventsOptions extends StreamOptions {
  /** Only these event types, or patterns such as `message:*`. */
  events?: string | string[] | undefined;
}

/** Follows deliveries and attempts. `account` null: those of all accounts. */
export async function* follow(
  routes: Routes,
  account: string | null,
  { subscription, ...options }: FollowOptions = {},
): AsyncGenerator<Followed, void> {
  const query = subscription === undefined ? {} : { subscription };
  const messages = followStream(
    (header, signal) =>
      account === null
        ? routes.GET('/v1/stream', { params: { query, header }, signal })
        : routes.GET('/v1/accounts/{account}/stream', { params: { path: { account }, query, header }, signal }),
    options,
  );
  yield* itemsOf<Followed>(messages, ['delivery', 'attempt']);
}

/** Follows the events of an account. */
export async function* followEvents(
  routes: Routes,
  account: string,
  { events, ...options }: FollowEventsOptions = {},
): AsyncGenerator<FollowedEvents, void> {
  const query = events === undefined ? {} : { event: events };
  const messages = followStream(
    (header, signal) =>
      routes.GET('/v1/accounts/{account}/events/stream', { params: { path: { account }, query, header }, signal }),
    options,
  );
  yield* itemsOf<FollowedEvents>(messages, ['event']);
}

/** Ignores messages of later versions. */
async function* itemsOf<Item>(messages: AsyncIterable<StreamMessage>, types: string[]): AsyncGenerator<Item, void> {
  for await (const { event: type, data } of messages) {
    const value = JSON.parse(data);
    if (type === 'skipped') yield { type, count: value.count } as Item;
    if (types.includes(type)) yield { type, [type]: value } as Item;
  }
}
