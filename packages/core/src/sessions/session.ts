import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { SessionKind } from '../generated/prisma/client.js';

// A session's row exists from its start to its end. Ended sessions are never returned; their rows are deleted when
// another session is opened.
//
//   console     opened by a login with a key. It ends at logout, when it is revoked, at expires_at, after idle_seconds
//               without use, and when its account key is revoked or its account deleted. It also ends when the
//               operator key changes, because that key is part of its hash. A sign-in link (link_hash) also opens one for
//               the operator, once and before expires_at, and sets a new expires_at
//   portal      the operator creates a link (link_hash). Opening it, once and before expires_at, creates a token (hash)
//               and sets a new expires_at. It ends at logout, when it is revoked, at expires_at, and with its account

/** Creates a token whose prefix names its kind: `phs_` a console session (in a cookie), `phl_` a portal link, `php_`
 *  a portal session, `pho_` a sign-in link of an operator, `phx_` an export link. */
export const newToken = (kind: 'phs' | 'phl' | 'php' | 'pho' | 'phx'): string =>
  `${kind}_${randomBytes(32).toString('base64url')}`;

/** How a token is stored. It is long and random, so a fast hash is enough. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();

/** How a console session's token is stored. Another operator key gives another hash, which ends the session. */
export const hashConsoleToken = (token: string, operatorKey: string): Buffer =>
  createHmac('sha256', operatorKey).update(token).digest();

/** A session that has not ended. */
export interface LiveSession {
  id: string;
  kind: SessionKind;
  accountId: string | null;
  keyId: string | null;
  /** null: everything. */
  scopes: string[] | null;
  expiresAt: Date;
}

/** SQL: the session `s` is open and has not ended, and its account is not deleted. */
export const IS_LIVE = `s.hash IS NOT NULL AND s.expires_at > now()
  AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = s.account_id AND a.deleted_at IS NOT NULL)
  AND (s.idle_seconds IS NULL OR s.last_used_at > now() - s.idle_seconds * interval '1 second')`;
