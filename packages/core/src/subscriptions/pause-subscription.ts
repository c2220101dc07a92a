import { inTransaction } from '../database.js';
import { holdDeliveries } from '../deliveries/hold-deliveries.js';
import type { Deps } from '../deps.js';
import { type SubscriptionKey, type SubscriptionResult, done, lockSubscription } from './subscription.js';

/** Pauses an active subscription: what it is owed, and what it will be owed, is held and not lost. Holding follows the commit
 *  of the pause; if this process ends meanwhile, workers hold the rest as they meet it. Safe to repeat. */
export async function pauseSubscription({ db }: Pick<Deps, 'db'>, key: SubscriptionKey): Promise<SubscriptionResult> {
  const refused = await inTransaction(db.pool, async (client) => {
    const now = await lockSubscription(client, key);
    if (!now) return { outcome: 'not_found' } as const;
    if (now.status === 'unverified')
      return { outcome: 'not_possible', reason: 'it is not verified yet, so it receives nothing' } as const;
    if (now.status === 'disabled')
      return { outcome: 'not_possible', reason: 'it is disabled; resume it first' } as const;
    if (now.status === 'paused') return null;
    await client.query(
      `UPDATE subscriptions SET status = 'paused', status_reason = NULL, status_changed_at = now(), updated_at = now()
       WHERE account_id = $1 AND id = $2 AND status = 'active'`,
      [key.accountId, key.id],
    );
    return null;
  });
  if (refused) return refused;
  await holdDeliveries(db.pool, key);
  return done(db, key);
}
