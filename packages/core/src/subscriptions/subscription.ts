import type pg from 'pg';
import type { Database } from '../database.js';
import type { Subscription as Row, Verification } from '../generated/prisma/client.js';

/** A webhook URL of an account, with the verification that counts.
 *
 *  status       entered when                                      left by
 *  unverified   created                                           a verification that succeeds → active
 *  active       verified, or resumed                              pause → paused · disable, 410, failing → disabled
 *  paused       pause (from active)                               resume → active · disable, 410 of an asked-for try → disabled
 *  disabled     disable (`manual`), 410 (`gone`), nothing         resume → active
 *               succeeded for too long (`failing`)
 *
 *  A disabled one receives nothing and is owed nothing new. What it was owed is canceled; disabled by hand, it may also wait
 *  (`holdsWhenDisabled`) until it is resumed or deleted.
 *  A changed URL is another matter: it stands in `pendingUrl` until it is verified, and the old one keeps receiving.
 *  A deleted one (`deletedAt`) is in no list, receives nothing and is kept for its history only. */
export type Subscription = Row & { verification: Verification | null };

export interface SubscriptionKey {
  accountId: string;
  id: string;
}

export type SubscriptionResult =
  | { outcome: 'done'; subscription: Subscription }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; reason: string };

/** One subscription of an account, or null: another account's and a deleted one are not found. */
export function findSubscription(db: Database, { accountId, id }: SubscriptionKey): Promise<Subscription | null> {
  return db.prisma.subscription.findFirst({
    where: { id, accountId, deletedAt: null },
    include: { verification: true },
  });
}

/** What a change needs to know of a subscription. */
export type LockedSubscription = Pick<
  Row,
  'status' | 'url' | 'pendingUrl' | 'headersSealed' | 'headersOrigin' | 'pendingHeadersSealed' | 'pendingHeadersOrigin'
>;

/** Its state now, locked until the transaction ends; null if this account has none of this id. */
export async function lockSubscription(
  client: pg.PoolClient,
  { accountId, id }: SubscriptionKey,
): Promise<LockedSubscription | null> {
  const { rows } = await client.query<LockedSubscription>(
    `SELECT status, url, pending_url AS "pendingUrl", headers_sealed AS "headersSealed", headers_origin AS "headersOrigin",
       pending_headers_sealed AS "pendingHeadersSealed", pending_headers_origin AS "pendingHeadersOrigin"
     FROM subscriptions WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** The answer of a change of state: the subscription as it is now. */
export async function done(db: Database, key: SubscriptionKey): Promise<SubscriptionResult> {
  const subscription = await findSubscription(db, key);
  return subscription ? { outcome: 'done', subscription } : { outcome: 'not_found' };
}
