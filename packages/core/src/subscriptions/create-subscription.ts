import type pg from 'pg';
import { inAccount } from '../accounts/in-account.js';
import type { Deps } from '../deps.js';
import type { SubscriptionOrdering } from '../generated/prisma/client.js';
import { newId } from '../id.js';
import { startVerification, verificationsLeft } from '../verifications/start-verification.js';
import { hasRoomForFilter } from '../publish/passes-filter.js';
import { newSecret } from '../secrets/new-secret.js';
import {
  acceptAuthentication,
  type AuthenticationProblem,
  type EnteredAuthentication,
  sealAuthentication,
} from '../secrets/own-access.js';
import { areTooLarge, originOf, sealHeaders } from '../secrets/own-headers.js';
import { type Subscription, findSubscription } from './subscription.js';

export interface NewSubscription {
  accountId: string;
  /** As returned by checkUrl. */
  url: string;
  /** Exact types or `message:*`; empty: all. */
  events: string[];
  scope?: string | null;
  description?: string | null;
  headers?: Record<string, string>;
  /** With a token URL as returned by checkUrl. */
  authentication?: EnteredAuthentication;
  /** PEM that checkAuthorities accepts; null: none. */
  certificateAuthorities?: string | null;
  metadata?: Record<string, unknown>;
  /** Attempts per second; null: no limit. */
  rateLimit?: number | null;
  /** `strict`: one delivery at a time, in the order of publish (deliveries/strict-order.ts). Default: `none`. */
  ordering?: SubscriptionOrdering;
  /** Its own retry policy (deliver/retry-policy.ts), within the operator's limits. null: the default. */
  retrySchedule?: number[] | null;
  timeoutMs?: number | null;
  /** A condition on payloads, which whyNotFilter accepts; null: all events pass. */
  filter?: string | null;
}

export type CreateSubscriptionResult =
  | { outcome: 'created'; subscription: Subscription }
  | { outcome: 'account_unknown' }
  | { outcome: 'quota_reached' }
  /** The account has MAX_FILTERS filters. */
  | { outcome: 'filters_reached' }
  /** The headers exceed MAX_OWN_HEADERS_BYTES. */
  | { outcome: 'headers_too_large' }
  | ({ outcome: 'authentication_refused' } & AuthenticationProblem)
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Stores a subscription with its first secret and starts its verification in one transaction; enqueues after the
 *  commit. The subscription is `unverified` until its URL passes the verification. An account has at most
 *  `maxSubscriptions`, even with concurrent requests; deleted ones do not count. */
export async function createSubscription(
  deps: Deps,
  input: NewSubscription,
  { maxSubscriptions }: { maxSubscriptions: number },
): Promise<CreateSubscriptionResult> {
  const { db, cipher, enqueue } = deps;
  if (areTooLarge(input.headers ?? {})) return { outcome: 'headers_too_large' };
  const id = newId();
  const { accountId, url } = input;
  const accepted = acceptAuthentication(input.authentication, { url, stored: null, now: new Date() });
  if ('problem' in accepted) return { outcome: 'authentication_refused', ...accepted.problem };
  const started = await inAccount(db.pool, accountId, async (client) => {
    if (!(await hasRoom(client, accountId, maxSubscriptions))) return { outcome: 'quota_reached' } as const;
    if (typeof input.filter === 'string' && !(await hasRoomForFilter(client, { accountId, id })))
      return { outcome: 'filters_reached' } as const;
    const left = await verificationsLeft(client, accountId);
    if (left.count === 0) return { outcome: 'rate_limited', retryAfterSeconds: left.retryAfterSeconds } as const;
    await insertSubscription(client, {
      ...input,
      id,
      headersSealed: sealHeaders(deps, id, input.headers),
      authenticationSealed: sealAuthentication(deps, id, accepted.authentication),
    });
    await client.query('INSERT INTO secrets (id, subscription_id, key_id, sealed) VALUES ($1, $2, $3, $4)', [
      newId(),
      id,
      cipher.keyId,
      cipher.seal(newSecret(), `secret:${id}`),
    ]);
    return {
      outcome: 'started',
      verificationId: await startVerification(client, { accountId, subscriptionId: id, url }),
    } as const;
  });
  if (started === null) return { outcome: 'account_unknown' };
  if (started.outcome !== 'started') return started;
  // Read before enqueueing, so that the result does not depend on the verification.
  const subscription = await findSubscription(db, { accountId, id });
  await enqueue('verify', [{ id: started.verificationId, attemptNumber: 1 }]);
  return subscription ? { outcome: 'created', subscription } : { outcome: 'account_unknown' };
}

async function insertSubscription(
  client: pg.PoolClient,
  {
    id,
    headersSealed,
    authenticationSealed,
    ...input
  }: NewSubscription & { id: string; headersSealed: Buffer | null; authenticationSealed: Buffer | null },
): Promise<void> {
  await client.query(
    `INSERT INTO subscriptions (id, account_id, url, events, scope, description, headers_sealed, headers_origin, metadata, rate_limit, ordering, retry_schedule,
       timeout_ms, filter, authentication_sealed, authentication_origin, certificate_authorities)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      id,
      input.accountId,
      input.url,
      input.events,
      input.scope ?? null,
      input.description ?? null,
      headersSealed,
      headersSealed && originOf(input.url),
      JSON.stringify(input.metadata ?? {}),
      input.rateLimit ?? null,
      input.ordering ?? 'none',
      input.retrySchedule ? JSON.stringify(input.retrySchedule) : null,
      input.timeoutMs ?? null,
      input.filter ?? null,
      authenticationSealed,
      authenticationSealed && originOf(input.url),
      input.certificateAuthorities ?? null,
    ],
  );
}

/** Returns whether the account has fewer than `most` subscriptions. Uses subscriptions_account_id_id_live_idx and
 *  reads at most `most` entries. */
async function hasRoom(client: pg.PoolClient, accountId: string, most: number): Promise<boolean> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM
       (SELECT FROM subscriptions WHERE account_id = $1 AND deleted_at IS NULL LIMIT $2) AS counted`,
    [accountId, most],
  );
  return (rows[0]?.count ?? 0) < most;
}
