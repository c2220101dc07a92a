import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import type { FrozenEvent } from '../publish/freeze-event.js';
import { LEASE_SECONDS } from '../deliveries/lease.js';
import { idTime, newId } from '../id.js';
import { THIS_MINUTE } from '../stats/stat.js';
import { type SubscriptionKey, lockSubscription } from './subscription.js';

export type SendTestResult =
  | { outcome: 'sent'; deliveryId: string; eventId: string }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; reason: string };

/** Stores a test event with one delivery for this subscription only, whatever event types it subscribes to. It is
 *  sent like any delivery; to a paused or disabled subscription it makes a single attempt. Not possible before the
 *  first verification, because the URL may not belong to the subscriber. */
export async function sendTest(
  { db, enqueue }: Deps,
  { accountId, id, frozen }: SubscriptionKey & { frozen: FrozenEvent },
): Promise<SendTestResult> {
  const eventId = newId();
  const result = await inTransaction(db.pool, async (client): Promise<SendTestResult> => {
    const now = await lockSubscription(client, { accountId, id });
    if (!now) return { outcome: 'not_found' };
    if (now.status === 'unverified')
      return { outcome: 'not_possible', reason: 'it is not verified yet; verify it first' };
    await client.query(
      'INSERT INTO events (id, account_id, type, body, delivery_count, suppressed, created_at) VALUES ($1, $2, $3, $4, 1, true, $5)',
      [eventId, accountId, frozen.type, frozen.body, idTime(eventId)],
    );
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, status_reason, requested_trigger, due_at, leased_until, completed_at)
       VALUES (posthorn_delivery_id($2), $1, $2, $3, $4, $5::delivery_status, $6, 'test', CASE WHEN $5 = 'pending'::delivery_status THEN now() END, now() + interval '${LEASE_SECONDS} seconds',
         CASE WHEN $5 = 'canceled'::delivery_status THEN now() END)
       RETURNING id`,
      [accountId, eventId, frozen.type, id, ...TEST_STATUS[now.status]],
    );
    await client.query(
      `INSERT INTO stat_deltas (account_id, event_type, at, count) VALUES ($1, $2, ${THIS_MINUTE}, 1)`,
      [accountId, frozen.type],
    );
    return { outcome: 'sent', deliveryId: rows[0]?.id ?? '', eventId };
  });
  if (result.outcome === 'sent') await enqueue('deliver', [{ id: result.deliveryId, attemptNumber: 1 }]);
  return result;
}

/** The status of a test delivery, which its one attempt may change. */
const TEST_STATUS = {
  active: ['pending', null],
  paused: ['held', null],
  disabled: ['canceled', 'subscription_disabled'],
} as const;
