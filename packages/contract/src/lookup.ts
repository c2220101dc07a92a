import { z } from 'zod';
import { AccountId, AnyId, DeliveryId, EventId, SubscriptionId } from './id.js';

export const Lookup = z
  .object({
    type: z
      .enum(['subscription', 'event', 'delivery', 'attempt', 'key', 'verification', 'replay'])
      .describe('What it is.'),
    id: AnyId.describe('The id that was asked for.'),
    accountId: AccountId.describe('Whose it is.'),
    subscriptionId: SubscriptionId.optional().describe(
      'The subscription of a delivery, an attempt, a replay or a verification. Absent where there is none.',
    ),
    eventId: EventId.optional().describe('Of a delivery: which event it delivers.'),
    deliveryId: DeliveryId.optional().describe(
      'Of an attempt: of which delivery. Absent: it is one of a verification.',
    ),
  })
  .meta({ id: 'Lookup', description: 'What an id is the id of, and where it is to be found.' });
export type Lookup = z.infer<typeof Lookup>;
