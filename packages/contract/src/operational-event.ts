import { z } from 'zod';
import { ATTEMPT_OUTCOMES } from './delivery-status.js';
import { AccountId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { time, timeOrNull } from './text.js';

// Payloads of Posthorn's own events. The operations account receives all of them, like any other event. Other accounts receive those
// about their own webhooks (ACCOUNT_NOTIFICATIONS), if a webhook names the type. Only Posthorn publishes these types. They contain no payload of a tenant, no secret, and only the host of a URL.

const subject = {
  accountId: AccountId.describe('The account of the subscription.'),
  subscriptionId: SubscriptionId,
  endpointHost: z.string().describe('Host of the subscription’s URL, with its port if the URL has one.'),
};
const at = time('When it happened.');
const advice = z
  .string()
  .describe('One sentence for the account that receives it: what the event means and what to do.');

const OperationalEventSubscriptionDisabled = z
  .object({
    ...subject,
    reason: z
      .enum(['manual', 'failing', 'gone'])
      .describe(
        '`manual`: disabled over the API · `failing`: every attempt failed for too long · `gone`: the endpoint returned 410.',
      ),
    failingSince: timeOrNull('Time of the first failure after the last success. null: it was not failing.'),
    at,
    advice,
  })
  .meta({ title: 'OperationalEventSubscriptionDisabled' });

const OperationalEventSubscriptionFailing = z
  .object({
    ...subject,
    percent: z.int().describe('Percentage of the time until it is disabled that has passed: 50, then 75.'),
    failingSince: time('Time of the first failure after the last success.'),
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
      .describe('`exhausted`: the retry schedule has no attempt left · `gone`: the endpoint returned 410.'),
    attemptCount: z.int().describe('Number of attempts, with every trigger.'),
    lastAttempt: z
      .object({
        number: z.int().describe('Number of the attempt, counted from 1.'),
        outcome: z.enum(ATTEMPT_OUTCOMES).describe('How it ended.'),
        statusCode: z.int().nullable().describe('HTTP status of the response. null: no response.'),
        startedAt: time('When the attempt started.'),
      })
      .describe('The last attempt.'),
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

/** Whether only the operations account gets events of a type. Customers do not see these types. */
export const isForOperatorsOnly = (type: string): boolean =>
  isOperational(type) && !ACCOUNT_NOTIFICATIONS.includes(type);

/** True for the types of Posthorn's own events, which the API can neither publish nor change. */
export const isOperational = (type: string): type is OperationalEventType => Object.hasOwn(OPERATIONAL_EVENTS, type);
