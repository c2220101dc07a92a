import { z } from 'zod';
import { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import { AccountId, AttemptId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { oneOrMore } from './list.js';
import { time } from './text.js';

export const StreamQuery = z.strictObject({
  subscription: oneOrMore(SubscriptionId).optional().describe('Only these. Repeatable.'),
});

const LAST_ID = /^(dlv|att)_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

export const StreamHeaders = z.looseObject({
  'last-event-id': z
    .string()
    .regex(LAST_ID, 'must be the id of an event of this stream')
    .optional()
    .describe('The `id` of the last event that was seen; browsers send it by themselves.'),
});

const of = {
  accountId: AccountId,
  subscriptionId: SubscriptionId,
  eventId: EventId,
  event: z.string().describe('The event’s type.'),
};

export const StreamedDelivery = z
  .object({
    id: DeliveryId,
    ...of,
    status: DeliveryStatus,
    createdAt: time('When it was created.'),
  })
  .meta({ id: 'StreamedDelivery', description: 'The `data` of an event `delivery` of the stream.' });
export type StreamedDelivery = z.infer<typeof StreamedDelivery>;

export const StreamedAttempt = z
  .object({
    id: AttemptId,
    ...of,
    deliveryId: DeliveryId,
    status: DeliveryStatus.describe('Of the delivery, now.'),
    number: z.int().describe('From 1.'),
    trigger: AttemptTrigger,
    outcome: AttemptOutcome,
    statusCode: z.int().nullable().describe('HTTP status of the answer.'),
    durationMs: z.int().describe('How long it took in all, in milliseconds.'),
    startedAt: time('When it began.'),
  })
  .meta({ id: 'StreamedAttempt', description: 'The `data` of an event `attempt` of the stream.' });
export type StreamedAttempt = z.infer<typeof StreamedAttempt>;
