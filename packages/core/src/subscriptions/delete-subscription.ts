import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { settleStep } from '../settle/settle-step.js';
import { unsettle } from '../settle/unsettle.js';
import { NO_AUTHENTICATION } from '../secrets/own-access.js';
import { type SubscriptionKey, lockSubscription } from './subscription.js';

/** Deletes a subscription: cancels its pending deliveries, erases its secrets, headers and authentication, and keeps its history.
 *  Cancels the first deliveries at once; workers cancel the others (settle-step.ts). */
export async function deleteSubscription(
  { db }: Pick<Deps, 'db'>,
  key: SubscriptionKey,
): Promise<{ outcome: 'deleted' } | { outcome: 'not_found' }> {
  const isDeleted = await inTransaction(db.pool, async (client) => {
    if (!(await lockSubscription(client, key))) return false;
    await client.query(
      `UPDATE subscriptions SET deleted_at = now(), updated_at = now(), pending_url = NULL,
         headers_sealed = NULL, headers_origin = NULL, pending_headers_sealed = NULL, pending_headers_origin = NULL, ${NO_AUTHENTICATION}
       WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL`,
      [key.accountId, key.id],
    );
    await client.query('DELETE FROM secrets WHERE subscription_id = $1', [key.id]);
    await client.query(
      `UPDATE verifications SET status = 'failed', reason = 'deleted', leased_until = NULL WHERE subscription_id = $1 AND status = 'pending'`,
      [key.id],
    );
    await unsettle(client, key);
    return true;
  });
  if (!isDeleted) return { outcome: 'not_found' };
  await settleStep(db.pool, { subscriptionId: key.id });
  return { outcome: 'deleted' };
}
