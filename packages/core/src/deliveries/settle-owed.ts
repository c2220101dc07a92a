import type pg from 'pg';
import type { SubscriptionKey } from '../subscriptions/subscription.js';
import { cancelDeliveries } from './cancel-deliveries.js';
import { holdDeliveries } from './hold-deliveries.js';

/** Makes what a subscription is owed follow its state: held, canceled, or left as it is. The state is read by the statements
 *  that change the deliveries, not before them, so one that is resumed meanwhile loses nothing. Safe to repeat. */
export async function settleOwed(pool: pg.Pool, key: SubscriptionKey): Promise<void> {
  await holdDeliveries(pool, key);
  await cancelDeliveries(pool, { subscriptionId: key.id });
}
