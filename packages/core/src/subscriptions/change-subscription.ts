import type pg from 'pg';
import { inAccount } from '../accounts/in-account.js';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { wakeDispatchers } from '../dispatch/wake.js';
import type { SubscriptionOrdering } from '../generated/prisma/client.js';
import { hasRoomForFilter } from '../publish/passes-filter.js';
import { startVerification, verificationsLeft } from '../verifications/start-verification.js';
import type { NewSubscription } from './create-subscription.js';
import {
  acceptAuthentication,
  type AuthenticationProblem,
  openAuthentication,
  sealAuthentication,
  sealedAuthenticationFor,
} from '../secrets/own-access.js';
import { areTooLarge, keepMasked, openHeaders, originOf, sealedFor, sealHeaders } from '../secrets/own-headers.js';
import {
  type LockedSubscription,
  type Subscription,
  type SubscriptionKey,
  findSubscription,
  lockSubscription,
} from './subscription.js';

export type SubscriptionChanges = Partial<Omit<NewSubscription, 'accountId'>>;

export type ChangeSubscriptionResult =
  /** verificationId: the verification that a new URL started, or null. headersDropped: names of headers that the new
   *  URL does not get, because their values were entered for another origin. authenticationDropped: the same for its
   *  authentication. */
  | {
      outcome: 'changed';
      subscription: Subscription;
      verificationId: string | null;
      headersDropped: string[];
      authenticationDropped: boolean;
    }
  | { outcome: 'not_found' }
  /** The account has MAX_FILTERS filters. */
  | { outcome: 'filters_reached' }
  /** A masked header has no stored value for the origin of the URL. */
  | { outcome: 'header_not_stored'; name: string }
  /** The headers, including kept values, exceed MAX_OWN_HEADERS_BYTES. */
  | { outcome: 'headers_too_large' }
  | ({ outcome: 'authentication_refused' } & AuthenticationProblem)
  | { outcome: 'rate_limited'; retryAfterSeconds: number };

/** Changes the given fields in one transaction. A new URL is verified first: until then it is `pendingUrl`, and the
 *  old URL keeps receiving events. (If no URL was ever verified, the new one replaces it at once.) The current URL
 *  removes a pending one. A change without `url` keeps the verification.
 *  Headers and the authentication belong to the URL that was entered last and to its origin: a URL of another origin gets the headers of
 *  this change, or none. Until it is verified, the old URL keeps its own. A masked header or secret keeps the value
 *  stored for this origin. */
export async function changeSubscription(
  deps: Deps,
  { accountId, id, changes }: SubscriptionKey & { changes: SubscriptionChanges },
): Promise<ChangeSubscriptionResult> {
  const { db, enqueue } = deps;
  const { url, filter } = changes;
  const addsFilter = typeof filter === 'string';
  const change = async (client: pg.PoolClient) => {
    const now = await lockSubscription(client, { accountId, id });
    if (!now) return { outcome: 'not_found' } as const;

    if (addsFilter && !(await hasRoomForFilter(client, { accountId, id })))
      return { outcome: 'filters_reached' } as const;

    const sets: string[] = ['updated_at = now()'];
    const values: unknown[] = [accountId, id];
    const set = (column: string, value: unknown) => sets.push(`${column} = $${values.push(value)}`);
    for (const [column, value] of Object.entries(plainColumns(changes))) set(column, value);
    if (changes.ordering !== undefined) await lookSoon(client, { accountId, id });

    const entered = now.pendingUrl ?? now.url;
    const isNew = url !== undefined && url !== entered;
    const backToOld = isNew && url === now.url;
    if (backToOld) sets.push(RESTORE_VERIFICATION);
    const urls = isNew ? urlsAfter(now, url) : { url: now.url, pendingUrl: now.pendingUrl };
    const placed = placeHeaders(deps, { id, now, urls, headers: changes.headers });
    if ('missing' in placed) return { outcome: 'header_not_stored', name: placed.missing } as const;
    if ('tooLarge' in placed) return { outcome: 'headers_too_large' } as const;
    const access = placeAuthentication(deps, { id, now, urls, authentication: changes.authentication });
    if ('problem' in access) return { outcome: 'authentication_refused', ...access.problem } as const;
    for (const [column, value] of Object.entries({ ...placed.columns, ...access.columns })) set(column, value);
    const verify = isNew && !backToOld;
    if (verify) {
      const left = await verificationsLeft(client, accountId);
      if (left.count === 0) return { outcome: 'rate_limited', retryAfterSeconds: left.retryAfterSeconds } as const;
    }
    await client.query(`UPDATE subscriptions SET ${sets.join(', ')} WHERE account_id = $1 AND id = $2`, values);
    const verificationId = verify ? await startVerification(client, { accountId, subscriptionId: id, url }) : null;
    return {
      outcome: 'changed',
      verificationId,
      headersDropped: placed.dropped,
      authenticationDropped: access.dropped,
    } as const;
  };
  // A filter and the verification of a new URL count towards limits of the account.
  const changed = await (url === undefined && !addsFilter
    ? inTransaction(db.pool, change)
    : inAccount(db.pool, accountId, change));
  if (changed === null) return { outcome: 'not_found' };
  if (changed.outcome !== 'changed') return changed;
  if (changes.ordering !== undefined) await followOrdering(db.pool, { id, ordering: changes.ordering });
  // Read before enqueueing, so that the result does not depend on the verification.
  const subscription = await findSubscription(db, { accountId, id });
  if (changed.verificationId) await enqueue('verify', [{ id: changed.verificationId, attemptNumber: 1 }]);
  return subscription ? { ...changed, subscription } : { outcome: 'not_found' };
}

/** SQL: makes the last verification of the current URL the current one again. */
const RESTORE_VERIFICATION = `
  verification_id = (SELECT v.id FROM verifications v WHERE v.subscription_id = subscriptions.id AND v.url = subscriptions.url
    AND v.status = 'verified' ORDER BY v.created_at DESC LIMIT 1)`;

/** Columns that do not depend on the subscription's state. */
function plainColumns(changes: SubscriptionChanges): Record<string, unknown> {
  const { events, scope, description, metadata, rateLimit, ordering, retrySchedule, timeoutMs, filter } = changes;
  const { certificateAuthorities } = changes;
  const columns = {
    events,
    scope,
    description,
    metadata: metadata && JSON.stringify(metadata),
    rate_limit: rateLimit,
    next_slot_at: rateLimit === undefined ? undefined : null,
    ordering,
    retry_schedule: retrySchedule && JSON.stringify(retrySchedule),
    timeout_ms: timeoutMs,
    filter,
    certificate_authorities: certificateAuthorities,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

/** Makes the dispatcher look at the subscription after this transaction. */
const lookSoon = (client: pg.PoolClient, { accountId, id }: SubscriptionKey) =>
  client.query(
    `INSERT INTO due_subscriptions (shard, due_at, subscription_id, account_id) VALUES (posthorn_shard($1), now(), $2, $1)`,
    [accountId, id],
  );

/** After a change of the ordering, ends the leases of delayed retries in the queue, because their turn may come
 *  later. Runs after the commit: recording results locks deliveries before subscriptions. Other leases end first. */
async function followOrdering(pool: pg.Pool, { id, ordering }: { id: string; ordering: SubscriptionOrdering }) {
  if (ordering === 'strict') {
    await pool.query(
      `UPDATE pending_deliveries SET leased_until = NULL WHERE id = ANY (ARRAY(
         SELECT id FROM pending_deliveries
         WHERE subscription_id = $1 AND status = 'pending' AND requested_trigger IS NULL AND leased_until > now() AND due_at > now()
         FOR UPDATE SKIP LOCKED
       ))`,
      [id],
    );
  }
  await wakeDispatchers(pool);
}

/** Returns the URLs after a change. Without a verified URL, the new one replaces it at once; the current URL needs
 *  no verification. */
function urlsAfter(now: LockedSubscription, url: string): { url: string; pendingUrl: string | null } {
  if (now.status === 'unverified' || url === now.url) return { url, pendingUrl: null };
  return { url: now.url, pendingUrl: url };
}

/** Returns the columns of the URLs and headers after a change, and the names of headers that do not go to another
 *  origin. One origin has one set of headers, which a pending URL of the same origin shares. */
function placeHeaders(
  deps: Pick<Deps, 'cipher'>,
  {
    id,
    now,
    urls,
    headers,
  }: {
    id: string;
    now: LockedSubscription;
    urls: { url: string; pendingUrl: string | null };
    headers: Record<string, string> | undefined;
  },
): { columns: Record<string, unknown>; dropped: string[] } | { missing: string } | { tooLarge: true } {
  const target = originOf(urls.pendingUrl ?? urls.url);
  const stored = openHeaders(deps, id, sealedFor(now, target));
  const kept = headers === undefined ? null : keepMasked(headers, stored);
  if (kept && 'missing' in kept) return kept;
  if (kept && areTooLarge(kept.headers)) return { tooLarge: true };
  const sealed = kept ? sealHeaders(deps, id, kept.headers) : sealedFor(now, target);

  const inForce = originOf(urls.url);
  const sealedInForce = inForce === target ? sealed : sealedFor(now, inForce);
  const sealedPending = inForce === target ? null : sealed;
  const before = openHeaders(deps, id, sealedFor(now, originOf(now.pendingUrl ?? now.url)));
  const names = new Set(Object.keys(stored).map((name) => name.toLowerCase()));
  return {
    columns: {
      url: urls.url,
      pending_url: urls.pendingUrl,
      headers_sealed: sealedInForce,
      headers_origin: sealedInForce && inForce,
      pending_headers_sealed: sealedPending,
      pending_headers_origin: sealedPending && target,
    },
    dropped: headers === undefined ? Object.keys(before).filter((name) => !names.has(name.toLowerCase())) : [],
  };
}

/** Returns the columns of the authentication after a change, by the rules of placeHeaders, and whether a URL of another
 *  origin does not get it. */
function placeAuthentication(
  deps: Pick<Deps, 'cipher'>,
  {
    id,
    now,
    urls,
    authentication,
  }: {
    id: string;
    now: LockedSubscription;
    urls: { url: string; pendingUrl: string | null };
    authentication: SubscriptionChanges['authentication'];
  },
): { columns: Record<string, unknown>; dropped: boolean } | { problem: AuthenticationProblem } {
  const url = urls.pendingUrl ?? urls.url;
  const target = originOf(url);
  const kept = sealedAuthenticationFor(now, target);
  let sealed = kept;
  if (authentication !== undefined) {
    const stored = openAuthentication(deps, id, kept);
    const accepted = acceptAuthentication(authentication, { url, stored, now: new Date() });
    if ('problem' in accepted) return accepted;
    sealed = sealAuthentication(deps, id, accepted.authentication);
  }

  const inForce = originOf(urls.url);
  const sealedInForce = inForce === target ? sealed : sealedAuthenticationFor(now, inForce);
  const sealedPending = inForce === target ? null : sealed;
  const before = sealedAuthenticationFor(now, originOf(now.pendingUrl ?? now.url));
  return {
    columns: {
      authentication_sealed: sealedInForce,
      authentication_origin: sealedInForce && inForce,
      pending_authentication_sealed: sealedPending,
      pending_authentication_origin: sealedPending && target,
    },
    dropped: authentication === undefined && before !== null && kept === null,
  };
}
