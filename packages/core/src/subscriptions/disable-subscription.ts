import { inTransaction } from '../database.js';
import { cancelDeliveries } from '../deliveries/cancel-deliveries.js';
import type { Deps } from '../deps.js';
import { type SubscriptionKey, type SubscriptionResult, done, lockSubscription } from './subscription.js';

/** Disables a subscription (reason `manual`): it receives nothing, what it is owed is canceled. Canceling follows the commit;
 *  if this process ends meanwhile, workers and the feeder cancel the rest. Safe to repeat; one that is disabled keeps its
 *  first reason. */
export async function disableSubscription({ db }: Pick<Deps, 'db'>, key: SubscriptionKey): Promise<SubscriptionResult> {
  const refused = await inTransaction(db.pool, async (client) => {
    const now = await lockSubscription(client, key);
    if (!now) return { outcome: 'not_found' } as const;
    if (now.status === 'unverified')
      return { outcome: 'not_possible', reason: 'it is not verified yet, so it receives nothing' } as const;
    if (now.status === 'disabled') return null;
    await client.query(
      `UPDATE subscriptions SET status = 'disabled', status_reason = 'manual', status_changed_at = now(), updated_at = now()
       WHERE account_id = $1 AND id = $2 AND status IN ('active', 'paused')`,
      [key.accountId, key.id],
    );
    return null;
  });
  if (refused) return refused;
  await cancelDeliveries(db.pool, { subscriptionId: key.id });
  return done(db, key);
}
