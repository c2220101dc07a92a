import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { dropEnded } from './open-session.js';
import { hashToken, newToken } from './session.js';

const LINK_SECONDS = 300;

export interface CreatePortalLink {
  accountId: string;
  capabilities: readonly string[];
  /** How long the portal stays open after the link is opened. */
  lastsSeconds: number;
  theme: object | null;
  address: string;
}

/** Creates a link to a portal of an account. `token` is returned only here, stored as a hash, and works once within
 *  five minutes. Returns null if the account does not exist. */
export async function createPortalLink(
  { db }: Pick<Deps, 'db'>,
  { accountId, capabilities, lastsSeconds, theme, address }: CreatePortalLink,
): Promise<{ id: string; token: string; expiresAt: Date } | null> {
  const token = newToken('phl');
  const id = newId();
  await dropEnded(db);
  const { rows } = await db.pool.query<{ expiresAt: Date }>(
    `INSERT INTO sessions AS s (id, kind, account_id, link_hash, capabilities, theme, lasts_seconds, address, expires_at)
     SELECT $1, 'portal', a.id, $3, $4, $5, $6, $7, now() + interval '${LINK_SECONDS} seconds'
     FROM accounts a WHERE a.id = $2 AND a.deleted_at IS NULL FOR KEY SHARE
     RETURNING s.expires_at AS "expiresAt"`,
    [id, accountId, hashToken(token), capabilities, theme && JSON.stringify(theme), lastsSeconds, address],
  );
  const [made] = rows;
  return made ? { id, token, expiresAt: made.expiresAt } : null;
}

export interface OpenedPortal {
  id: string;
  accountId: string;
  capabilities: string[];
  theme: unknown;
  token: string;
  expiresAt: Date;
}

/** Opens a portal and uses up its link's token. If concurrent calls use one token, one gets the portal. Returns
 *  null if the token is unknown, used or expired. */
export async function openPortal(
  { db }: Pick<Deps, 'db'>,
  { linkToken, address }: { linkToken: string; address: string },
): Promise<OpenedPortal | null> {
  const token = newToken('php');
  const { rows } = await db.pool.query<Omit<OpenedPortal, 'token'>>(
    `UPDATE sessions s SET link_hash = NULL, hash = $2, address = $3, last_used_at = now(),
       expires_at = now() + s.lasts_seconds * interval '1 second'
     WHERE s.link_hash = $1 AND s.kind = 'portal' AND s.expires_at > now()
       AND EXISTS (SELECT FROM accounts a WHERE a.id = s.account_id AND a.deleted_at IS NULL)
     RETURNING s.id, s.account_id AS "accountId", s.capabilities, s.theme, s.expires_at AS "expiresAt"`,
    [hashToken(linkToken), hashToken(token), address],
  );
  const [opened] = rows;
  return opened ? { ...opened, token } : null;
}
