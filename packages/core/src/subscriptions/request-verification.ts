import { inAccount } from '../accounts/in-account.js';
import type { Deps } from '../deps.js';
import { startVerification, verificationsLeft } from '../verifications/start-verification.js';
import { type Subscription, type SubscriptionKey, findSubscription, lockSubscription } from './subscription.js';

export type RequestVerificationResult =
  | { outcome: 'started'; subscription: Subscription }
  | { outcome: 'not_found' }
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Starts another verification of a subscription's URL, or of its pending URL if it has one. A failure leaves a
 *  working URL unchanged. */
export async function requestVerification(
  { db, enqueue }: Deps,
  { accountId, id }: SubscriptionKey,
): Promise<RequestVerificationResult> {
  const started = await inAccount(db.pool, accountId, async (client) => {
    const now = await lockSubscription(client, { accountId, id });
    if (!now) return { outcome: 'not_found' } as const;
    const left = await verificationsLeft(client, accountId);
    if (left.count === 0) return { outcome: 'rate_limited', retryAfterSeconds: left.retryAfterSeconds } as const;
    const url = now.pendingUrl ?? now.url;
    return {
      outcome: 'started',
      verificationId: await startVerification(client, { accountId, subscriptionId: id, url }),
    } as const;
  });
  if (started === null) return { outcome: 'not_found' };
  if (started.outcome !== 'started') return started;
  // Read before enqueueing, so that the result does not depend on the verification.
  const subscription = await findSubscription(db, { accountId, id });
  await enqueue('verify', [{ id: started.verificationId, attemptNumber: 1 }]);
  return subscription ? { outcome: 'started', subscription } : { outcome: 'not_found' };
}
