import { openBatch } from '../batch.js';
import type { Deps } from '../deps.js';
import { hashConsoleToken, hashToken, IS_LIVE, type LiveSession } from './session.js';

export interface SessionBook {
  /** Returns the session of a token; null if it is unknown or ended. Queries the database each time, so an ended
   *  session fails at once; concurrent calls share a statement. Updates the last use, to the minute. */
  findConsole(token: string): Promise<LiveSession | null>;
  findPortal(token: string): Promise<LiveSession | null>;
}

// Uses sessions_hash_key.
const FIND = `
WITH found AS (
  SELECT s.id, s.kind, s.account_id, s.key_id, s.hash, s.last_used_at, s.expires_at,
    CASE s.kind WHEN 'account' THEN k.scopes WHEN 'portal' THEN s.capabilities END AS scopes
  FROM sessions s LEFT JOIN api_keys k ON k.id = s.key_id
  WHERE s.hash = ANY ($1::bytea[]) AND ${IS_LIVE}
), used AS (
  UPDATE sessions s SET last_used_at = now() FROM found f
  WHERE s.id = f.id AND f.last_used_at < now() - interval '1 minute'
)
SELECT id, kind, account_id AS "accountId", key_id AS "keyId", scopes, expires_at AS "expiresAt", encode(hash, 'hex') AS hash
FROM found`;

export function openSessionBook({ db, operatorKey }: Pick<Deps, 'db'> & { operatorKey: string }): SessionBook {
  const batch = openBatch<Buffer, LiveSession | null>({
    maxSize: 200,
    maxRuns: 2,
    async run(hashes) {
      const { rows } = await db.pool.query<LiveSession & { hash: string }>({
        name: 'find-sessions',
        text: FIND,
        values: [hashes],
      });
      const byHash = new Map(rows.map(({ hash, ...session }) => [hash, session]));
      return hashes.map((hash) => byHash.get(hash.toString('hex')) ?? null);
    },
  });
  return {
    async findConsole(token) {
      const found = await batch.add(hashConsoleToken(token, operatorKey));
      return found?.kind === 'portal' ? null : found;
    },
    async findPortal(token) {
      const found = await batch.add(hashToken(token));
      return found?.kind === 'portal' ? found : null;
    },
  };
}
