import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { startVerification, verificationsLeft } from '../verifications/start-verification.js';
import { keepMasked, type NewSubscription, openHeaders, sealHeaders } from './create-subscription.js';
import { type Subscription, type SubscriptionKey, findSubscription, lockSubscription } from './subscription.js';

export type SubscriptionChanges = Partial<Omit<NewSubscription, 'accountId'>>;

export type ChangeSubscriptionResult =
  /** verificationId: the one that a new URL started, or null. */
  | { outcome: 'changed'; subscription: Subscription; verificationId: string | null }
  | { outcome: 'not_found' }
  /** A header's value is to be kept, and there is none of this name. */
  | { outcome: 'header_not_stored'; name: string }
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Changes what is given and leaves the rest, in one transaction. A new URL is verified first: until then it stands in
 *  `pendingUrl` and the old one keeps receiving (only a subscription that never had a verified URL takes it at once).
 *  Naming the URL in force drops a pending one. A change without `url` never touches the verification. A masked header keeps its
 *  stored value. */
export async function changeSubscription(
  deps: Deps,
  { accountId, id, changes }: SubscriptionKey & { changes: SubscriptionChanges },
): Promise<ChangeSubscriptionResult> {
  const { db, enqueue } = deps;
  const { url } = changes;
  const changed = await inTransaction(db.pool, async (client) => {
    const now = await lockSubscription(client, { accountId, id });
    if (!now) return { outcome: 'not_found' } as const;

    const sets: string[] = ['updated_at = now()'];
    const values: unknown[] = [accountId, id];
    const set = (column: string, value: unknown) => sets.push(`${column} = $${values.push(value)}`);
    if (changes.events !== undefined) set('events', changes.events);
    if (changes.scope !== undefined) set('scope', changes.scope);
    if (changes.description !== undefined) set('description', changes.description);
    if (changes.headers !== undefined) {
      const kept = keepMasked(changes.headers, openHeaders(deps, id, now.headersSealed));
      if ('missing' in kept) return { outcome: 'header_not_stored', name: kept.missing } as const;
      set('headers_sealed', sealHeaders(deps, id, kept.headers));
    }
    if (changes.metadata !== undefined) set('metadata', JSON.stringify(changes.metadata));

    if (changes.rateLimit !== undefined) {
      set('rate_limit', changes.rateLimit);
      sets.push('next_slot_at = NULL');
    }

    const isNew = url !== undefined && url !== (now.pendingUrl ?? now.url);
    const backToOld = url !== undefined && url === now.url && now.pendingUrl !== null;
    if (backToOld) {
      sets.push(
        'pending_url = NULL',
        `verification_id = (SELECT v.id FROM verifications v WHERE v.subscription_id = subscriptions.id AND v.url = subscriptions.url
           AND v.status = 'verified' ORDER BY v.created_at DESC LIMIT 1)`,
      );
    } else if (isNew) {
      set(now.status === 'unverified' ? 'url' : 'pending_url', url);
    }
    const verify = isNew && !backToOld;
    if (verify) {
      const left = await verificationsLeft(client, accountId);
      if (left.count === 0) return { outcome: 'rate_limited', retryAfterSeconds: left.retryAfterSeconds } as const;
    }
    await client.query(`UPDATE subscriptions SET ${sets.join(', ')} WHERE account_id = $1 AND id = $2`, values);
    const verificationId = verify ? await startVerification(client, { accountId, subscriptionId: id, url }) : null;
    return { outcome: 'changed', verificationId } as const;
  });
  if (changed.outcome !== 'changed') return changed;
  // Read before the queue is told: what this made, and not what the verification makes of it.
  const subscription = await findSubscription(db, { accountId, id });
  if (changed.verificationId) await enqueue('verify', [{ id: changed.verificationId, attemptNumber: 1 }]);
  return subscription ? { ...changed, subscription } : { outcome: 'not_found' };
}
