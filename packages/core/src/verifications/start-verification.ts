import type pg from 'pg';
import { inAccount } from '../accounts/in-account.js';
import type { Deps } from '../deps.js';
import { LEASE_SECONDS } from '../deliveries/lease.js';
import { newId } from '../id.js';

/** Verifications per account and minute: each handshake sends a request to a URL that nobody has proven to own. */
export const VERIFICATIONS_PER_MINUTE = 60;

/** Returns how many verifications the account may start now, and otherwise when the next one. The caller must hold
 *  the account's lock (inAccount); otherwise two callers could both get the last one. Uses
 *  verifications_account_id_created_at_idx. */
export async function verificationsLeft(
  client: pg.PoolClient,
  accountId: string,
): Promise<{ count: number; retryAfterSeconds: number }> {
  const { rows } = await client.query<{ started: number; retryAfterSeconds: number }>(
    `SELECT count(*)::int AS started, ceil(extract(epoch FROM min(created_at) + interval '1 minute' - now()))::int AS "retryAfterSeconds"
     FROM verifications WHERE account_id = $1 AND created_at > now() - interval '1 minute'`,
    [accountId],
  );
  const { started = 0, retryAfterSeconds } = rows[0] ?? {};
  return {
    count: Math.max(0, VERIFICATIONS_PER_MINUTE - started),
    retryAfterSeconds: Math.max(1, retryAfterSeconds ?? 1),
  };
}

/** Stores a verification within the caller's transaction and makes it the current one of the subscription. Returns
 *  its id: enqueue attempt 1 after the commit. */
export async function startVerification(
  client: pg.PoolClient,
  { accountId, subscriptionId, url }: { accountId: string; subscriptionId: string | null; url: string },
): Promise<string> {
  const id = newId();
  // Ends the previous verification if it is still pending: its result would have no effect.
  if (subscriptionId !== null) {
    await client.query(
      `UPDATE verifications SET status = 'failed', reason = 'superseded', leased_until = NULL WHERE subscription_id = $1 AND status = 'pending'`,
      [subscriptionId],
    );
  }
  await client.query(
    `INSERT INTO verifications (id, account_id, subscription_id, url, leased_until) VALUES ($1, $2, $3, $4, now() + interval '${LEASE_SECONDS} seconds')`,
    [id, accountId, subscriptionId, url],
  );
  if (subscriptionId !== null) {
    await client.query('UPDATE subscriptions SET verification_id = $2 WHERE id = $1', [subscriptionId, id]);
  }
  return id;
}

export type CheckWebhookUrlResult =
  | { outcome: 'started'; verificationId: string }
  | { outcome: 'account_unknown' }
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Verifies a URL without a subscription (Papercups' `/verify`). */
export async function checkWebhookUrl(
  { db, enqueue }: Deps,
  { accountId, url }: { accountId: string; url: string },
): Promise<CheckWebhookUrlResult> {
  const started = await inAccount(db.pool, accountId, async (client) => {
    const left = await verificationsLeft(client, accountId);
    if (left.count === 0) return { outcome: 'rate_limited', retryAfterSeconds: left.retryAfterSeconds } as const;
    return {
      outcome: 'started',
      verificationId: await startVerification(client, { accountId, subscriptionId: null, url }),
    } as const;
  });
  if (started === null) return { outcome: 'account_unknown' };
  if (started.outcome === 'started') await enqueue('verify', [{ id: started.verificationId, attemptNumber: 1 }]);
  return started;
}
