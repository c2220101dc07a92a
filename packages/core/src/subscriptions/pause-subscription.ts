import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { settleStep } from '../settle/settle-step.js';
import { unsettle } from '../settle/unsettle.js';
import { type SubscriptionKey, type SubscriptionResult, done, lockSubscription } from './subscription.js';

/** Pauses an active subscription: its pending and future deliveries are held. Holds the first ones at once; workers
 *  hold the others (settle-step.ts). Safe to repeat. */
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
    await unsettle(client, key);
    return null;
  });
  if (refused) return refused;
  await settleStep(db.pool, { subscriptionId: key.id });
  return done(db, key);
}
