import type { Deps } from '../deps.js';
import { LEASE_SECONDS } from './lease.js';
import type { Delivery } from '../generated/prisma/client.js';

export type AskForRetryResult =
  /** attemptNumber: the one that was asked for. */
  | { outcome: 'asked'; delivery: Delivery; attemptNumber: number }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; reason: string };

/** Asks for one attempt now, whatever the delivery's state. If it fails, a failed delivery stays failed and a pending one
 *  keeps its schedule. Kept in the ledger, so it is made even if the queue is down; asking twice before it is made asks
 *  for one attempt. One that a recovery had asked for becomes this one: a person waits for it. */
export async function askForRetry(
  { db, enqueue }: Deps,
  { accountId, id }: { accountId: string; id: string },
): Promise<AskForRetryResult> {
  const { rows } = await db.pool.query<{ attemptNumber: number | null; isDeleted: boolean }>(
    `WITH found AS (
       SELECT d.id, s.deleted_at IS NOT NULL AS is_deleted, octet_length(e.body) = 0 AS is_erased
       FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id JOIN events e ON e.id = d.event_id
       WHERE d.account_id = $1 AND d.id = $2
     ), asked AS (
       UPDATE deliveries d SET asked_trigger = coalesce(nullif(d.asked_trigger, 'recovery'), 'manual'),
         feed_at = least(d.feed_at, now() + interval '${LEASE_SECONDS} seconds')
       FROM found f WHERE d.id = f.id AND NOT f.is_deleted AND NOT f.is_erased
       RETURNING d.id, d.attempt_count + 1 AS number
     )
     SELECT a.number AS "attemptNumber", f.is_deleted AS "isDeleted" FROM found f LEFT JOIN asked a ON a.id = f.id`,
    [accountId, id],
  );
  const [found] = rows;
  if (!found) return { outcome: 'not_found' };
  if (found.isDeleted)
    return { outcome: 'not_possible', reason: 'its subscription was deleted, so there is no URL to send it to' };
  const { attemptNumber } = found;
  if (attemptNumber === null)
    return {
      outcome: 'not_possible',
      reason: 'the payload of its event is kept no longer, so there is nothing to send',
    };
  await enqueue('deliver', [{ id, attemptNumber }]);
  const delivery = await db.prisma.delivery.findFirst({ where: { id, accountId } });
  return delivery ? { outcome: 'asked', delivery, attemptNumber } : { outcome: 'not_found' };
}

/** The same for somebody who has a job and not an account: the operators, on the dashboard of the queues. */
export async function askForRetryOfJob(deps: Deps, { id }: { id: string }): Promise<AskForRetryResult> {
  const delivery = await deps.db.prisma.delivery.findUnique({ where: { id }, select: { accountId: true } });
  return delivery ? askForRetry(deps, { accountId: delivery.accountId, id }) : { outcome: 'not_found' };
}
