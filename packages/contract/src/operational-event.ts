import { z } from 'zod';
import { ATTEMPT_OUTCOMES } from './delivery-status.js';
import { AccountId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { time, timeOrNull } from './text.js';

// What operators are told by webhook. The payload of an ordinary event of the operations account; nobody else publishes
// these types. No payload of a tenant, no secret, and of a URL only the host.

const subject = {
  accountId: AccountId.describe('The account whose subscription this is about.'),
  subscriptionId: SubscriptionId,
  receiverHost: z.string().describe('Host of the subscription’s URL, with its port where it has one.'),
};
const at = time('When it happened.');
const advice = z.string().describe('One sentence for operators: what it means and what to do about it.');

const OperationalEventSubscriptionDisabled = z
  .object({
    ...subject,
    reason: z
      .enum(['manual', 'failing', 'gone'])
      .describe(
        '`manual`: over the API · `failing`: nothing succeeded for too long · `gone`: the receiver asked for it.',
      ),
    failingSince: timeOrNull('Its first failure after its last success. null: it was not failing.'),
    at,
    advice,
  })
  .meta({ title: 'OperationalEventSubscriptionDisabled' });

const OperationalEventSubscriptionFailing = z
  .object({
    ...subject,
    percent: z.int().describe('How much of the time has passed after which it is disabled: 50, then 75.'),
    failingSince: time('Its first failure after its last success.'),
    at,
    advice,
  })
  .meta({ title: 'OperationalEventSubscriptionFailing' });

const OperationalEventSubscriptionRecovered = z
  .object({ ...subject, at, advice })
  .meta({ title: 'OperationalEventSubscriptionRecovered' });

const OperationalEventDeliveryFailed = z
  .object({
    ...subject,
    deliveryId: DeliveryId,
    eventId: EventId,
    eventType: z.string().describe('The type of the event that was not delivered.'),
    reason: z
      .enum(['exhausted', 'gone'])
      .describe('`exhausted`: no attempt of the schedule is left · `gone`: the receiver asked for its end.'),
    attemptCount: z.int().describe('Attempts made, of every kind.'),
    lastAttempt: z
      .object({
        number: z.int().describe('From 1.'),
        outcome: z.enum(ATTEMPT_OUTCOMES).describe('How it ended.'),
        statusCode: z.int().nullable().describe('HTTP status of the answer.'),
        startedAt: time('When it began.'),
      })
      .describe('The last attempt made.'),
    at,
    advice,
  })
  .meta({ title: 'OperationalEventDeliveryFailed' });

/** The payload of each type. */
export const OPERATIONAL_EVENTS = {
  'subscription:disabled': OperationalEventSubscriptionDisabled,
  'subscription:failing': OperationalEventSubscriptionFailing,
  'subscription:recovered': OperationalEventSubscriptionRecovered,
  'delivery:failed': OperationalEventDeliveryFailed,
};

export type OperationalEventType = keyof typeof OPERATIONAL_EVENTS;
export type OperationalEvent = {
  [Type in OperationalEventType]: { event: Type; payload: z.infer<(typeof OPERATIONAL_EVENTS)[Type]> };
}[OperationalEventType];

/** The types that webhooks of any account may subscribe to, by their exact names: about the other webhooks of that account. */
export const ACCOUNT_NOTIFICATIONS: readonly OperationalEventType[] = [
  'subscription:failing',
  'subscription:disabled',
  'delivery:failed',
];

/** Whether a type goes to the operations account only: customers do not see it. */
export const isForOperatorsOnly = (type: string): boolean =>
  isOperational(type) && !ACCOUNT_NOTIFICATIONS.includes(type);

/** Whether a type is Posthorn's own: neither published nor changed over the API. */
export const isOperational = (type: string): type is OperationalEventType => Object.hasOwn(OPERATIONAL_EVENTS, type);
