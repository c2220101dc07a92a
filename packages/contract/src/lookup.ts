import { z } from 'zod';
import { AccountId, AnyId, DeliveryId, EventId, SubscriptionId } from './id.js';

export const Lookup = z
  .object({
    type: z
      .enum(['subscription', 'event', 'delivery', 'attempt', 'key', 'verification', 'replay'])
      .describe('The kind of object.'),
    id: AnyId.describe('The requested id.'),
    accountId: AccountId.nullable().describe(
      'The account that the object belongs to. null: a replay that operators started for many accounts.',
    ),
    subscriptionId: SubscriptionId.optional().describe(
      'For a delivery, an attempt, a replay or a verification: its subscription.',
    ),
    eventId: EventId.optional().describe('For a delivery: its event.'),
    deliveryId: DeliveryId.optional().describe(
      'For an attempt: its delivery. Absent: the attempt belongs to a verification.',
    ),
  })
  .meta({ id: 'Lookup', description: 'The object that an id belongs to.' });
export type Lookup = z.infer<typeof Lookup>;
