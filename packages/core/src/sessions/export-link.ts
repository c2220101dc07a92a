import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { hashToken, IS_LIVE, newToken } from './session.js';
import type { SessionKind } from '../generated/prisma/client.js';

const LINK_SECONDS = 60;

/** What a link downloads, and for whom. */
interface LinkedExport {
  accountId: string;
  kind: SessionKind;
  /** The link ends with this key and with this session. */
  keyId: string | null;
  sessionId: string | null;
  /** The format and the filters. */
  query: unknown;
}

/** Creates a link that downloads one export, once, within a minute. `token` is returned only here and stored as a hash. Returns null if the
 *  account, the key or the session has ended meanwhile. */
export async function createExportLink(
  { db }: Pick<Deps, 'db'>,
  { accountId, kind, keyId, sessionId, query }: LinkedExport,
): Promise<{ id: string; token: string; expiresAt: Date } | null> {
  const token = newToken('phx');
  const id = newId();
  // Uses export_links_expires_at_idx.
  await db.pool.query('DELETE FROM export_links WHERE expires_at <= now()');
  const { rows } = await db.pool.query<{ expiresAt: Date }>(
    `INSERT INTO export_links AS l (id, account_id, kind, key_id, session_id, hash, query, expires_at)
     SELECT $1, a.id, $3, $4::uuid, $5::uuid, $6, $7, now() + interval '${LINK_SECONDS} seconds'
     FROM accounts a
     WHERE a.id = $2 AND a.deleted_at IS NULL
       AND ($4::uuid IS NULL OR EXISTS (SELECT FROM api_keys WHERE id = $4 FOR KEY SHARE))
       AND ($5::uuid IS NULL OR EXISTS (SELECT FROM sessions WHERE id = $5 FOR KEY SHARE))
     FOR KEY SHARE OF a
     RETURNING l.expires_at AS "expiresAt"`,
    [id, accountId, kind, keyId, sessionId, hashToken(token), JSON.stringify(query)],
  );
  const [made] = rows;
  return made ? { id, token, expiresAt: made.expiresAt } : null;
}

export type OpenedExportLink = LinkedExport & { expiresAt: Date };

/** Uses up a link. If several requests use the same token at once, one gets the export. Returns null if the token is unknown, used or expired,
 *  or if the account, key or session of the link has ended. */
export async function openExportLink(
  { db }: Pick<Deps, 'db'>,
  { token }: { token: string },
): Promise<OpenedExportLink | null> {
  const { rows } = await db.pool.query<OpenedExportLink>(
    `UPDATE export_links l SET opened_at = now()
     WHERE l.hash = $1 AND l.opened_at IS NULL AND l.expires_at > now()
       AND EXISTS (SELECT FROM accounts a WHERE a.id = l.account_id AND a.deleted_at IS NULL)
       AND (l.session_id IS NULL OR EXISTS (SELECT FROM sessions s WHERE s.id = l.session_id AND ${IS_LIVE}))
     RETURNING l.account_id AS "accountId", l.kind, l.key_id AS "keyId", l.session_id AS "sessionId", l.query, l.expires_at AS "expiresAt"`,
    [hashToken(token)],
  );
  return rows[0] ?? null;
}
