import { z } from 'zod';
import { isRange, RANGE_RULE, searchQuery } from './delivery-filter.js';
import { DeliveryStatus } from './delivery-status.js';
import { EventTypeName } from './event-type.js';
import { AccountId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { ListQuery, oneOrMore } from './list.js';
import { anyObjectOrNull, moment, time, timeOrNull, rawObject } from './text.js';

const eventFields = {
  id: EventId.describe('Id of the event: the `webhook-id` of every request made for it.'),
  accountId: AccountId,
  event: z.string().describe('The type.'),
  createdAt: time('When it was accepted.'),
};
const deliveries = z
  .int()
  .describe(
    'How many subscriptions wanted it when it was published. While `fanOut` is `expanding`: how many are expected.',
  );
const fanOut = z
  .enum(['expanding'])
  .nullable()
  .describe(
    '`expanding`: it has thousands of deliveries, and workers still write them. It is stored for good, and each subscription gets one ' +
      'delivery. null: all of its deliveries are written.',
  );

export const DeliveryCounts = z
  .object({
    pending: z.int().describe('With an attempt due.'),
    held: z.int().describe('That wait for their subscription to be resumed.'),
    succeeded: z.int().describe('That were taken.'),
    failed: z.int().describe('Whose schedule is exhausted.'),
    canceled: z.int().describe('That nobody wants any more.'),
  })
  .meta({ id: 'DeliveryCounts', description: 'How many deliveries have which status.' });
export type DeliveryCounts = z.infer<typeof DeliveryCounts>;

const deliveryCounts = DeliveryCounts.describe('How its deliveries stand now, also those that a replay made later.');

export const Event = z
  .object({ ...eventFields, deliveries, fanOut, deliveryCounts })
  .meta({ id: 'Event', description: 'An immutable fact: a type and a payload, frozen as the exact bytes to be sent.' });
export type Event = z.infer<typeof Event>;

export const EventList = z
  .object({
    data: z
      .array(Event)
      .describe(
        'Newest first. May hold fewer than `limit`, or none, although there is a next page: see `searchedBackTo`.',
      ),
    nextCursor: z.string().nullable().describe('Opaque; for `?cursor=`. null: this is the last page.'),
    searchedBackTo: timeOrNull(
      'A page with filters looks at no more than some thousand events. Where few of them match, it ends before it is full: it has looked at ' +
        'all events since this time, and `nextCursor` goes on from there. null: it is full, or the last one.',
    ),
  })
  .meta({ id: 'EventList' });

export const PublishedEvent = z
  .object({
    ...eventFields,
    deliveries,
    fanOut,
    duplicate: z.boolean().describe('true: the Idempotency-Key was used before, this is the first answer again.'),
  })
  .meta({
    id: 'PublishedEvent',
    examples: [
      {
        id: 'evt_01jd4q8y3ne9mav5w2xkq7rf0c',
        accountId: 'acme',
        event: 'message:created',
        createdAt: '2026-11-21T18:55:00.000Z',
        deliveries: 2,
        fanOut: null,
        duplicate: false,
      },
    ],
  });
export type PublishedEvent = z.infer<typeof PublishedEvent>;

export const PublishedEvents = z
  .object({ data: z.array(PublishedEvent).describe('In the order of the request.') })
  .meta({ id: 'PublishedEvents' });
export type PublishedEvents = z.infer<typeof PublishedEvents>;

export const DeliveryState = z
  .object({
    id: DeliveryId,
    subscriptionId: SubscriptionId,
    status: DeliveryStatus,
    statusReason: z.string().nullable().describe('Why it was canceled.'),
    attemptCount: z.int().describe('Attempts so far, of every kind.'),
    nextAttemptAt: timeOrNull('When the next attempt is due; null unless one is scheduled.'),
    completedAt: timeOrNull('When it succeeded, failed or was canceled.'),
  })
  .meta({ id: 'DeliveryState' });
export type DeliveryState = z.infer<typeof DeliveryState>;

export const EventDetail = z
  .object({
    ...eventFields,
    payload: anyObjectOrNull(
      'As it is sent, to the byte: key order and number spelling are the producer’s. null: kept no longer ' +
        '(`PAYLOAD_RETENTION_DAYS`).',
    ),
    deliveries: z
      .array(DeliveryState)
      .max(100)
      .describe(
        'One for each subscription that wanted it; the oldest first, at most 100. All of them: `GET …/deliveries?event=`.',
      ),
    fanOut,
    deliveryCounts,
  })
  .meta({ id: 'EventDetail' });
export type EventDetail = z.infer<typeof EventDetail>;

export const EventQuery = ListQuery.extend({
  event: oneOrMore(EventTypeName).optional().describe('Only of this type; repeatable.'),
  q: searchQuery('`evt_…`').optional(),
  from: moment('Only accepted at this time or later.').optional(),
  to: moment('Only accepted before this time. Must be later than `from`.').optional(),
}).refine(isRange, RANGE_RULE);

// The publish routes take these as text, so that nothing in a payload changes. They are checked by the core (freezeEvent),
// and stand here for the OpenAPI document and for clients.
const payload = rawObject(
  'A JSON object, at most 256 KiB without white space and nested at most 1000 deep. A repeated top-level key is refused. ' +
    'Nothing in it is changed but white space outside strings: key order, number spelling and escapes are kept. ' +
    'So is half of a surrogate pair, such as `"\\ud83d"`: strict JSON parsers of endpoints refuse it on every attempt, so ' +
    'replace it by U+FFFD before you publish.',
);

export const PublishEvent = z.strictObject({ event: EventTypeName, payload }).meta({
  id: 'PublishEvent',
  examples: [{ event: 'message:created', payload: { id: 'm_1', body: 'Hey there!' } }],
});
export type PublishEvent = z.infer<typeof PublishEvent>;

/** 1 to 255 printable ASCII characters. */
export const IdempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
  .meta({
    description:
      'Yours, 1 to 255 printable ASCII characters, kept for 24 h per account: the same key with the same body answers ' +
      'with the first event and `duplicate: true`; with another body it is a 409.',
    examples: ['message-created-m_1'],
  });

export const PublishEvents = z
  .strictObject({
    events: z
      .array(z.strictObject({ event: EventTypeName, payload, idempotencyKey: IdempotencyKey.nullable().optional() }))
      .min(1)
      .max(500)
      .describe('1 to 500 events. All of them are accepted, or none.'),
  })
  .meta({
    id: 'PublishEvents',
    examples: [
      { events: [{ event: 'message:created', payload: { id: 'm_1' }, idempotencyKey: 'message-created-m_1' }] },
    ],
  });
export type PublishEvents = z.infer<typeof PublishEvents>;
