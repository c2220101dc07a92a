import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { wakeDispatchers } from '../dispatch/wake.js';
import { settleStep } from '../settle/settle-step.js';
import { unsettle } from '../settle/unsettle.js';
import { RESTART_WITH_LITTLE } from '../throttle/capacity.js';
import { CLOSE_CIRCUIT } from '../throttle/circuit-breaker.js';
import { type SubscriptionKey, type SubscriptionResult, done, lockSubscription } from './subscription.js';

/** Makes a paused or disabled subscription active and closes its circuit. Its held deliveries become due, the oldest
 *  first: the first ones at once, the others by workers (settle-step.ts). Canceled deliveries stay canceled. Safe to
 *  repeat. Not possible before the first verification. */
export async function resumeSubscription({ db }: Pick<Deps, 'db'>, key: SubscriptionKey): Promise<SubscriptionResult> {
  const refused = await inTransaction(db.pool, async (client) => {
    const now = await lockSubscription(client, key);
    if (!now) return { outcome: 'not_found' } as const;
    if (now.status === 'unverified')
      return { outcome: 'not_possible', reason: 'it is not verified yet; verify it first' } as const;
    await client.query(
      `UPDATE subscriptions SET status = 'active', status_reason = NULL, status_changed_at = now(), updated_at = now(),
         holds_when_disabled = false, failing_since = NULL, failing_warned = 0,
         ${CLOSE_CIRCUIT}, ${RESTART_WITH_LITTLE}
       WHERE account_id = $1 AND id = $2 AND status IN ('paused', 'disabled')`,
      [key.accountId, key.id],
    );
    if (now.status !== 'active') await unsettle(client, key);
    return null;
  });
  if (refused) return refused;
  await settleStep(db.pool, { subscriptionId: key.id });
  await wakeDispatchers(db.pool);
  return done(db, key);
}
