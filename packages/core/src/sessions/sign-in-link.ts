import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { dropEnded } from './open-session.js';
import { hashConsoleToken, newToken } from './session.js';

const LINK_SECONDS = 300;

export interface CreateSignInLink {
  operatorKey: string;
  /** How long the session lasts, counted from when the link is opened. */
  lastsSeconds: number;
  /** The session ends after this time without use. */
  idleSeconds: number;
  address: string;
}

/** Creates a sign-in link for an operator. It works once, within five minutes. `token` is returned only here and stored as a hash, which
 *  depends on the operator key: a change of that key ends the link. */
export async function createSignInLink(
  { db }: Pick<Deps, 'db'>,
  { operatorKey, lastsSeconds, idleSeconds, address }: CreateSignInLink,
): Promise<{ id: string; token: string; expiresAt: Date }> {
  const token = newToken('pho');
  const id = newId();
  await dropEnded(db);
  const { rows } = await db.pool.query<{ expiresAt: Date }>(
    `INSERT INTO sessions AS s (id, kind, link_hash, lasts_seconds, idle_seconds, address, expires_at)
     VALUES ($1, 'operator', $2, $3, $4, $5, now() + interval '${LINK_SECONDS} seconds')
     RETURNING s.expires_at AS "expiresAt"`,
    [id, hashConsoleToken(token, operatorKey), lastsSeconds, idleSeconds, address],
  );
  const [made] = rows;
  if (!made) throw new Error('unreachable: an INSERT of one row returned none');
  return { id, token, expiresAt: made.expiresAt };
}

/** Signs an operator in with the token of a link, which is no longer valid afterwards. If several requests use the same token at
 *  once, one gets the session. Returns null if the token is unknown, used or expired. */
export async function openSignInLink(
  { db }: Pick<Deps, 'db'>,
  { linkToken, operatorKey, address }: { linkToken: string; operatorKey: string; address: string },
): Promise<{ id: string; token: string; expiresAt: Date } | null> {
  const token = newToken('phs');
  const { rows } = await db.pool.query<{ id: string; expiresAt: Date }>(
    `UPDATE sessions s SET link_hash = NULL, hash = $2, address = $3, last_used_at = now(),
       expires_at = now() + s.lasts_seconds * interval '1 second'
     WHERE s.link_hash = $1 AND s.hash IS NULL AND s.kind = 'operator' AND s.expires_at > now()
     RETURNING s.id, s.expires_at AS "expiresAt"`,
    [hashConsoleToken(linkToken, operatorKey), hashConsoleToken(token, operatorKey), address],
  );
  const [opened] = rows;
  return opened ? { id: opened.id, token, expiresAt: opened.expiresAt } : null;
}
