import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { hashConsoleToken, newToken } from './session.js';

export interface OpenSession {
  /** The session of an operator, or of an account key. */
  of: { kind: 'operator' } | { kind: 'account'; accountId: string; keyId: string };
  operatorKey: string;
  lastsSeconds: number;
  /** The session ends after this time without use. */
  idleSeconds: number;
  address: string;
}

/** Opens a console session. `token` is returned only here and stored as a hash. Returns null if the key has been
 *  revoked. */
export async function openSession(
  { db }: Pick<Deps, 'db'>,
  { of, operatorKey, lastsSeconds, idleSeconds, address }: OpenSession,
): Promise<{ id: string; token: string; expiresAt: Date } | null> {
  const token = newToken('phs');
  const id = newId();
  await dropEnded(db);
  const { accountId, keyId } = of.kind === 'account' ? of : { accountId: null, keyId: null };
  const { rows } = await db.pool.query<{ expiresAt: Date }>(
    `INSERT INTO sessions AS s (id, kind, account_id, key_id, hash, lasts_seconds, idle_seconds, address, expires_at)
     SELECT $1::uuid, $2::session_kind, $3::varchar, $4::uuid, $5::bytea, $6::int, $7::int, $8::text, now() + $6 * interval '1 second'
     WHERE $4::uuid IS NULL OR EXISTS (SELECT FROM api_keys WHERE id = $4 AND account_id = $3 FOR KEY SHARE)
     RETURNING s.expires_at AS "expiresAt"`,
    [id, of.kind, accountId, keyId, hashConsoleToken(token, operatorKey), lastsSeconds, idleSeconds, address],
  );
  const [opened] = rows;
  return opened ? { id, token, expiresAt: opened.expiresAt } : null;
}

/** Uses sessions_expires_at_idx. */
export async function dropEnded({ pool }: Pick<Deps['db'], 'pool'>): Promise<void> {
  await pool.query('DELETE FROM sessions WHERE expires_at <= now()');
}
