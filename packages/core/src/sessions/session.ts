import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { SessionKind } from '../generated/prisma/client.js';

// The life of a session. Its row is there from its beginning to its end, and what has ended is a row that is no longer found
// (those rows go when another session is opened).
//
//   console     a login with a key makes it open at once. It ends by logout, by being revoked, at expires_at, when nobody used
//               it for idle_seconds, when its account key is revoked or its account deleted; and when the operator key
//               changes, since that key is part of its hash.
//   portal      the operator makes a link (link_hash); opening it, once and before expires_at, makes a token of its own
//               (hash) and sets expires_at anew. It ends by logout, by being revoked, at expires_at, and with its account.

/** Tokens tell by their beginning what they are: `phs_` a console session's (in a cookie), `phl_` a portal's link, `php_` a
 *  portal session's. */
export const newToken = (kind: 'phs' | 'phl' | 'php'): string => `${kind}_${randomBytes(32).toString('base64url')}`;

/** How a token is kept. It is random and long, so a fast hash is enough. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();

/** How a console session's token is kept: under another operator key it is another hash, and so nobody's. */
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

/** Of the row `s`: it is open, it has not ended, and its account is not deleted. */
export const IS_LIVE = `s.hash IS NOT NULL AND s.expires_at > now()
  AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = s.account_id AND a.deleted_at IS NOT NULL)
  AND (s.idle_seconds IS NULL OR s.last_used_at > now() - s.idle_seconds * interval '1 second')`;
