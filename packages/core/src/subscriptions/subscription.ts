import type pg from 'pg';
import type { Database } from '../database.js';
import type { CatchUp, Subscription as Row, Verification } from '../generated/prisma/client.js';

/** A webhook URL of an account, with its current verification.
 *
 *  status       entered when                                      left by
 *  unverified   created                                           a verification that succeeds → active
 *  active       verified, or resumed                              pause → paused · disable, 410, failing → disabled
 *  paused       pause (from active)                               resume → active · disable, 410 of a requested attempt → disabled
 *  disabled     disable (`manual`), 410 (`gone`), nothing         resume → active
 *               succeeded for too long (`failing`)
 *
 *  A disabled subscription gets no deliveries. Its pending ones are canceled or, if it was disabled manually with hold
 *  (`holdsWhenDisabled`), held until it is resumed or deleted.
 *  A changed URL does not change the status: it is in `pendingUrl` until it is verified, and the old URL keeps receiving events.
 *  A deleted subscription (`deletedAt`) is not listed, gets no deliveries and is kept only for its history. */
export type Subscription = Row & { verification: Verification | null; catchUp: CatchUp | null };

/** What Prisma reads with a row. */
export const SUBSCRIPTION_PARTS = { verification: true, catchUp: true } as const;

export interface SubscriptionKey {
  accountId: string;
  id: string;
}

export type SubscriptionResult =
  | { outcome: 'done'; subscription: Subscription }
  | { outcome: 'not_found' }
  | { outcome: 'not_possible'; reason: string };

/** Returns a subscription of an account; null if it does not exist, is deleted or belongs to another account. */
export function findSubscription(db: Database, { accountId, id }: SubscriptionKey): Promise<Subscription | null> {
  return db.prisma.subscription.findFirst({
    where: { id, accountId, deletedAt: null },
    include: SUBSCRIPTION_PARTS,
  });
}

/** What a change needs to know about a subscription. */
export type LockedSubscription = Pick<
  Row,
  | 'status'
  | 'url'
  | 'pendingUrl'
  | 'headersSealed'
  | 'headersOrigin'
  | 'pendingHeadersSealed'
  | 'pendingHeadersOrigin'
  | 'authenticationSealed'
  | 'authenticationOrigin'
  | 'pendingAuthenticationSealed'
  | 'pendingAuthenticationOrigin'
>;

/** Locks a subscription until the transaction ends. Returns its current state; null if the account has no such
 *  subscription. */
export async function lockSubscription(
  client: pg.PoolClient,
  { accountId, id }: SubscriptionKey,
): Promise<LockedSubscription | null> {
  const { rows } = await client.query<LockedSubscription>(
    `SELECT status, url, pending_url AS "pendingUrl", headers_sealed AS "headersSealed", headers_origin AS "headersOrigin",
       pending_headers_sealed AS "pendingHeadersSealed", pending_headers_origin AS "pendingHeadersOrigin",
       authentication_sealed AS "authenticationSealed", authentication_origin AS "authenticationOrigin",
       pending_authentication_sealed AS "pendingAuthenticationSealed", pending_authentication_origin AS "pendingAuthenticationOrigin"
     FROM subscriptions WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** The result of a state change: the current subscription. */
export async function done(db: Database, key: SubscriptionKey): Promise<SubscriptionResult> {
  const subscription = await findSubscription(db, key);
  return subscription ? { outcome: 'done', subscription } : { outcome: 'not_found' };
}
