import { MASK } from '@posthorn/contract';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { startVerification, verificationsLeft } from '../verifications/start-verification.js';
import { newSecret } from './new-secret.js';
import { type Subscription, findSubscription } from './subscription.js';

export interface NewSubscription {
  accountId: string;
  /** As checkUrl gave it back. */
  url: string;
  /** Exact types or `message:*`; empty: all. */
  events: string[];
  scope?: string | null;
  description?: string | null;
  headers?: Record<string, string>;
  metadata?: Record<string, unknown>;
  /** Attempts per second; null: no limit. */
  rateLimit?: number | null;
}

export type CreateSubscriptionResult =
  | { outcome: 'created'; subscription: Subscription }
  | { outcome: 'account_unknown' }
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Stores a subscription with its first secret and starts its verification, in one transaction; the queue is told after
 *  the commit. It is `unverified` until the URL has answered. */
export async function createSubscription(deps: Deps, input: NewSubscription): Promise<CreateSubscriptionResult> {
  const { db, cipher, enqueue } = deps;
  const id = newId();
  const { accountId, url } = input;
  const started = await inTransaction(db.pool, async (client) => {
    const { rowCount } = await client.query('SELECT FROM accounts WHERE id = $1 FOR KEY SHARE', [accountId]);
    if (rowCount === 0) return { outcome: 'account_unknown' } as const;
    const left = await verificationsLeft(client, accountId);
    if (left.count === 0) return { outcome: 'rate_limited', retryAfterSeconds: left.retryAfterSeconds } as const;
    await client.query(
      `INSERT INTO subscriptions (id, account_id, url, events, scope, description, headers_sealed, metadata, rate_limit)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        id,
        accountId,
        url,
        input.events,
        input.scope ?? null,
        input.description ?? null,
        sealHeaders(deps, id, input.headers),
        JSON.stringify(input.metadata ?? {}),
        input.rateLimit ?? null,
      ],
    );
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
  if (started.outcome !== 'started') return started;
  // Read before the queue is told: what this made, and not what the verification makes of it.
  const subscription = await findSubscription(db, { accountId, id });
  await enqueue('verify', [{ id: started.verificationId, attemptNumber: 1 }]);
  return subscription ? { outcome: 'created', subscription } : { outcome: 'account_unknown' };
}

/** A subscription's own headers as they are stored; null when there are none. */
export function sealHeaders(
  { cipher }: Pick<Deps, 'cipher'>,
  subscriptionId: string,
  headers: Record<string, string> | undefined,
): Buffer | null {
  return headers && Object.keys(headers).length > 0
    ? cipher.seal(JSON.stringify(headers), `headers:${subscriptionId}`)
    : null;
}

/** The reverse of sealHeaders. */
export function openHeaders(
  { cipher }: Pick<Deps, 'cipher'>,
  subscriptionId: string,
  sealed: Uint8Array | null,
): Record<string, string> {
  return sealed ? (JSON.parse(cipher.open(sealed, `headers:${subscriptionId}`)) as Record<string, string>) : {};
}

/** A receiver's own headers as they may be shown: the names, with their values masked. */
export function readHeaderNames(
  deps: Pick<Deps, 'cipher'>,
  subscription: { id: string; headersSealed: Uint8Array | null },
): Record<string, string> {
  const headers = openHeaders(deps, subscription.id, subscription.headersSealed);
  return Object.fromEntries(Object.keys(headers).map((name) => [name, MASK]));
}

/** The headers to store: a masked value is the stored one of that name, whose letters may be of either case. */
export function keepMasked(
  headers: Record<string, string>,
  stored: Record<string, string>,
): { headers: Record<string, string> } | { missing: string } {
  const valueOf = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const missing = Object.entries(headers).find(([name, value]) => value === MASK && !valueOf.has(name.toLowerCase()));
  if (missing) return { missing: missing[0] };
  const kept = Object.entries(headers).map(([name, value]): [string, string] =>
    value === MASK ? [name, valueOf.get(name.toLowerCase()) ?? ''] : [name, value],
  );
  return { headers: Object.fromEntries(kept) };
}
