import { z } from 'zod';
import { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import { EventTypePattern } from './event-type.js';
import { AccountId, AttemptId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { oneOrMore } from './list.js';
import { time } from './text.js';

export const StreamQuery = z.strictObject({
  subscription: oneOrMore(SubscriptionId).optional().describe('Only this subscription. Repeatable.'),
});

const LAST_ID = /^(dlv|att)_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

export const StreamHeaders = z.looseObject({
  'last-event-id': z
    .string()
    .regex(LAST_ID, 'must be the id of an event of this stream')
    .optional()
    .describe('The `id` of the last received event. Browsers send it automatically.'),
});

export const EventStreamQuery = z.strictObject({
  event: oneOrMore(EventTypePattern)
    .optional()
    .describe('Only events of this type, or of a pattern such as `message:*`. Repeatable.'),
});

export const EventStreamHeaders = z.looseObject({
  'last-event-id': EventId.optional().describe('The `id` of the last received event. Browsers send it automatically.'),
});

const common = {
  accountId: AccountId,
  subscriptionId: SubscriptionId,
  eventId: EventId,
  event: z.string().describe('The event type.'),
};

export const StreamedDelivery = z
  .object({
    id: DeliveryId,
    ...common,
    status: DeliveryStatus,
    createdAt: time('When it was created.'),
  })
  .meta({ id: 'StreamedDelivery', description: 'The `data` of a `delivery` event of the stream.' });
export type StreamedDelivery = z.infer<typeof StreamedDelivery>;

export const StreamedAttempt = z
  .object({
    id: AttemptId,
    ...common,
    deliveryId: DeliveryId,
    status: DeliveryStatus.describe('Current status of the delivery.'),
    number: z.int().describe('Number of the attempt, counted from 1.'),
    trigger: AttemptTrigger,
    outcome: AttemptOutcome,
    statusCode: z.int().nullable().describe('HTTP status of the response. null: no response.'),
    durationMs: z.int().describe('Total duration in milliseconds.'),
    startedAt: time('When the attempt started.'),
  })
  .meta({ id: 'StreamedAttempt', description: 'The `data` of an `attempt` event of the stream.' });
export type StreamedAttempt = z.infer<typeof StreamedAttempt>;

export const StreamedEvent = z
  .object({
    id: EventId,
    accountId: AccountId,
    event: z.string().describe('The event type.'),
    createdAt: time('When the event was accepted.'),
    body: z
      .string()
      .describe(
        'The exact text that subscriptions receive, `{"event":"<type>","payload":{…}}`. Sign its bytes in UTF-8, not a new serialization.',
      ),
  })
  .meta({ id: 'StreamedEvent', description: 'The `data` of an `event` of the stream of events.' });
export type StreamedEvent = z.infer<typeof StreamedEvent>;
