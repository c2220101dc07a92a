import type { Deps } from '../deps.js';
import { newId } from '../id.js';
import { hashConsoleToken, newToken } from './session.js';

export interface OpenSession {
  /** Whose: the operator's, or an account key's. */
  of: { kind: 'operator' } | { kind: 'account'; accountId: string; keyId: string };
  operatorKey: string;
  lastsSeconds: number;
  /** It ends when it is not used for so long. */
  idleSeconds: number;
  address: string;
}

/** Opens a console session. `token` is told this once and kept only as a hash. null: the key is gone by now. */
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

/** Leans on sessions_expires_at_idx. */
export async function dropEnded({ pool }: Pick<Deps['db'], 'pool'>): Promise<void> {
  await pool.query('DELETE FROM sessions WHERE expires_at <= now()');
}
