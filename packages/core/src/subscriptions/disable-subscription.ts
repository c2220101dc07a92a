import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { settleStep } from '../settle/settle-step.js';
import { unsettle } from '../settle/unsettle.js';
import { type SubscriptionKey, type SubscriptionResult, done, lockSubscription } from './subscription.js';

export interface Disabling extends SubscriptionKey {
  /** What happens to pending deliveries. Default: `cancel`; for a disabled subscription, the earlier choice. */
  deliveries?: 'cancel' | 'hold' | undefined;
}

/** Disables a subscription (reason `manual`): it receives no events, and its pending deliveries are canceled, or
 *  held until it is resumed. Settles the first deliveries at once; workers settle the others (settle-step.ts). The
 *  same transaction writes an operational event.
 *  Safe to repeat: a disabled subscription keeps its first reason, and no second event is written. A new choice
 *  applies to deliveries that are pending or held: `cancel` after `hold` cancels them; `hold` after `cancel`
 *  restores nothing. */
export async function disableSubscription(
  { db }: Pick<Deps, 'db'>,
  { deliveries, ...key }: Disabling,
): Promise<SubscriptionResult> {
  const refused = await inTransaction(db.pool, async (client) => {
    const now = await lockSubscription(client, key);
    if (!now) return { outcome: 'not_found' } as const;
    if (now.status === 'unverified')
      return { outcome: 'not_possible', reason: 'it is not verified yet, so it receives nothing' } as const;
    if (now.status === 'disabled') {
      if (deliveries === undefined) return null;
      await client.query(
        `UPDATE subscriptions SET holds_when_disabled = $3, updated_at = now()
         WHERE account_id = $1 AND id = $2 AND status = 'disabled' AND holds_when_disabled <> $3`,
        [key.accountId, key.id, deliveries === 'hold'],
      );
      await unsettle(client, key);
      return null;
    }
    await client.query(
      `UPDATE subscriptions SET status = 'disabled', status_reason = 'manual', status_changed_at = now(), updated_at = now(),
         holds_when_disabled = $3
       WHERE account_id = $1 AND id = $2 AND status IN ('active', 'paused')`,
      [key.accountId, key.id, deliveries === 'hold'],
    );
    await client.query(
      `INSERT INTO operational_events (id, type, account_id, subscription_id, detail)
       VALUES ($1, 'subscription:disabled', $2, $3, '{"reason":"manual"}')`,
      [newId(), key.accountId, key.id],
    );
    await unsettle(client, key);
    return null;
  });
  if (refused) return refused;
  await settleStep(db.pool, { subscriptionId: key.id });
  return done(db, key);
}
