import { inTransaction } from '../database.js';
import { releaseHeld } from '../deliveries/release-held.js';
import type { Deps } from '../deps.js';
import { type SubscriptionKey, type SubscriptionResult, done, lockSubscription } from './subscription.js';

const RELEASED_AT_ONCE = 500; // the feeder releases the rest, so many at a time

/** Makes a paused or disabled subscription active. What is held becomes due, the oldest first; what a disabling canceled
 *  stays canceled. Safe to repeat. Not possible before it was verified. */
export async function resumeSubscription({ db, enqueue }: Deps, key: SubscriptionKey): Promise<SubscriptionResult> {
  const resumed = await inTransaction(db.pool, async (client) => {
    const now = await lockSubscription(client, key);
    if (!now) return { outcome: 'not_found' } as const;
    if (now.status === 'unverified')
      return { outcome: 'not_possible', reason: 'it is not verified yet; verify it first' } as const;
    await client.query(
      `UPDATE subscriptions SET status = 'active', status_reason = NULL, status_changed_at = now(), updated_at = now(), failing_since = NULL
       WHERE account_id = $1 AND id = $2 AND status IN ('paused', 'disabled')`,
      [key.accountId, key.id],
    );
    return {
      outcome: 'resumed',
      released: await releaseHeld(client, { subscriptionId: key.id, limit: RELEASED_AT_ONCE }),
    } as const;
  });
  if (resumed.outcome !== 'resumed') return resumed;
  if (resumed.released.length > 0) await enqueue('deliver', resumed.released);
  return done(db, key);
}
