import { z } from 'zod';
import { isRange, RANGE_RULE, searchQuery } from './delivery-filter.js';
import { DeliveryStatus } from './delivery-status.js';
import { EventTypeName } from './event-type.js';
import { exportFormat } from './export-link.js';
import { AccountId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { ListQuery, oneOrMore } from './list.js';
import { anyObjectOrNull, moment, time, timeOrNull, rawObject } from './text.js';

const eventFields = {
  id: EventId.describe('Id of the event, sent as `webhook-id` with every attempt.'),
  accountId: AccountId,
  event: z.string().describe('The event type.'),
  createdAt: time('When the event was accepted.'),
};
const deliveries = z
  .int()
  .describe(
    'Number of matching subscriptions when the event was published. While `fanOut` is `expanding`: the expected number.',
  );
const fanOut = z
  .enum(['expanding'])
  .nullable()
  .describe(
    '`expanding`: the event is stored, and workers are still creating its thousands of deliveries. null: all deliveries have been ' +
      'created.',
  );

export const DeliveryCounts = z
  .object({
    pending: z.int().describe('Deliveries whose next attempt is scheduled or running.'),
    held: z.int().describe('Deliveries that wait until their subscription is resumed.'),
    succeeded: z.int().describe('Deliveries that the endpoint accepted with 2xx.'),
    failed: z.int().describe('Deliveries whose attempts are used up.'),
    canceled: z.int().describe('Deliveries that will not be attempted again.'),
  })
  .meta({ id: 'DeliveryCounts', description: 'Number of deliveries by status.' });
export type DeliveryCounts = z.infer<typeof DeliveryCounts>;

const deliveryCounts = DeliveryCounts.describe(
  'Current number of its deliveries by status, including those that replays created.',
);

export const Event = z
  .object({ ...eventFields, deliveries, fanOut, deliveryCounts })
  .meta({ id: 'Event', description: 'An immutable fact: a type and a payload, stored as the exact bytes to send.' });
export type Event = z.infer<typeof Event>;

export const EventList = z
  .object({
    data: z
      .array(Event)
      .describe(
        'Newest first. A page may have fewer rows than `limit`, or none, and still have a next page: see `searchedBackTo`.',
      ),
    nextCursor: z.string().nullable().describe('Opaque: pass it as `?cursor=`. null: this is the last page.'),
    searchedBackTo: timeOrNull(
      'A page searches at most a few thousand events. If few of them match the filters, the page ends before it is full. It covers all events created since this time, and `nextCursor` continues from there. null: the page is full, or the last one.',
    ),
  })
  .meta({ id: 'EventList' });

export const PublishedEvent = z
  .object({
    ...eventFields,
    deliveries,
    fanOut,
    duplicate: z
      .boolean()
      .describe('true: the `Idempotency-Key` was used before, and this is the event of the first request.'),
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
    statusReason: z.string().nullable().describe('Why the delivery was canceled or failed. Otherwise null.'),
    attemptCount: z.int().describe('Number of attempts so far, with every trigger.'),
    nextAttemptAt: timeOrNull('When the next attempt is due. null: none is scheduled.'),
    completedAt: timeOrNull('When it succeeded, failed or was canceled.'),
  })
  .meta({ id: 'DeliveryState' });
export type DeliveryState = z.infer<typeof DeliveryState>;

export const EventDetail = z
  .object({
    ...eventFields,
    payload: anyObjectOrNull(
      'The payload byte for byte as it is sent, with the key order and number format of the producer. null: deleted after ' +
        '`PAYLOAD_RETENTION_DAYS`.',
    ),
    deliveries: z
      .array(DeliveryState)
      .max(100)
      .describe(
        'One per matching subscription, oldest first, at most 100. For all of them, use `GET …/deliveries?event=`.',
      ),
    fanOut,
    deliveryCounts,
  })
  .meta({ id: 'EventDetail' });
export type EventDetail = z.infer<typeof EventDetail>;

const listedFields = {
  event: oneOrMore(EventTypeName).optional().describe('Only events of this type. Repeatable.'),
  q: searchQuery('`evt_…`').optional(),
  from: moment('Only events accepted at or after this time.').optional(),
  to: moment('Only events accepted before this time. Must be later than `from`.').optional(),
};

export const EventQuery = ListQuery.extend(listedFields).refine(isRange, RANGE_RULE);

export const EventExportQuery = z
  .strictObject({ ...listedFields, format: exportFormat('Event') })
  .refine(isRange, RANGE_RULE);

// For the OpenAPI document and for clients. The publish routes read their bodies as text, so that nothing in a payload changes;
// freezeEvent of the core checks them.
const payload = rawObject(
  'A JSON object, at most 256 KiB without white space and nested at most 1000 deep. Repeated top-level keys are not allowed. ' +
    'Posthorn removes white space outside strings and keeps everything else: key order, number format and escapes. ' +
    'Half of a surrogate pair, such as `"\\ud83d"`, is kept too, and strict JSON parsers of endpoints reject it on every attempt. ' +
    'Replace it with U+FFFD before you publish.',
);

export const PublishEvent = z.strictObject({ event: EventTypeName, payload }).meta({
  id: 'PublishEvent',
  examples: [{ event: 'message:created', payload: { id: 'm_1', body: 'Hey there!' } }],
});
export type PublishEvent = z.infer<typeof PublishEvent>;

export const IdempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
  .meta({
    description:
      'A key of your choice, 1 to 255 printable ASCII characters, stored for 24 hours per account. The same key with the same body ' +
      'returns the first event with `duplicate: true`; with another body it is a 409.',
    examples: ['message-created-m_1'],
  });

const MAX_FIND = 500;

/** An event as its producer knows it. */
const KnownEvent = z
  .strictObject({
    id: EventId.nullable().optional().describe('Its id, from the 202.'),
    idempotencyKey: IdempotencyKey.nullable().optional(),
  })
  .refine(({ id, idempotencyKey }) => (id ?? idempotencyKey ?? null) !== null, 'must have an id or an idempotencyKey');

export const FindMissingEvents = z
  .strictObject({
    events: z
      .array(KnownEvent)
      .min(1, 'must have at least one entry')
      .max(MAX_FIND, `must have at most ${MAX_FIND} entries`)
      .describe(`1 to ${MAX_FIND} events that your records list as accepted.`),
  })
  .meta({
    id: 'FindMissingEvents',
    examples: [{ events: [{ id: 'evt_01jd4q8y3ne9mav5w2xkq7rf0c', idempotencyKey: 'message-created-m_1' }] }],
  });
export type FindMissingEvents = z.infer<typeof FindMissingEvents>;

export const MissingEvents = z
  .object({
    data: z
      .array(
        z.object({
          id: EventId.nullable().describe('As in the request. null: it had none.'),
          idempotencyKey: z.string().nullable().describe('As in the request. null: it had none.'),
        }),
      )
      .describe('The events that the account does not have, in the order of the request.'),
  })
  .meta({ id: 'MissingEvents' });
export type MissingEvents = z.infer<typeof MissingEvents>;

export const PublishEvents = z
  .strictObject({
    events: z
      .array(z.strictObject({ event: EventTypeName, payload, idempotencyKey: IdempotencyKey.nullable().optional() }))
      .min(1)
      .max(500)
      .describe('1 to 500 events. Either all are accepted, or none.'),
  })
  .meta({
    id: 'PublishEvents',
    examples: [
      { events: [{ event: 'message:created', payload: { id: 'm_1' }, idempotencyKey: 'message-created-m_1' }] },
    ],
  });
export type PublishEvents = z.infer<typeof PublishEvents>;
