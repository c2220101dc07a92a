import { inAccount } from '../accounts/in-account.js';
import type { Deps } from '../deps.js';
import { startVerification, verificationsLeft } from '../verifications/start-verification.js';
import { type Subscription, type SubscriptionKey, findSubscription, lockSubscription } from './subscription.js';

export type RequestVerificationResult =
  | { outcome: 'started'; subscription: Subscription }
  | { outcome: 'not_found' }
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Verifies a subscription's URL (the pending one, if there is one) once more. A failure leaves a working URL alone. */
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
  // Read before the queue is told: what this made, and not what the verification makes of it.
  const subscription = await findSubscription(db, { accountId, id });
  await enqueue('verify', [{ id: started.verificationId, attemptNumber: 1 }]);
  return subscription ? { outcome: 'started', subscription } : { outcome: 'not_found' };
}
