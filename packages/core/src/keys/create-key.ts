import { createHash, randomBytes } from 'node:crypto';
import type { ApiKey } from '../generated/prisma/client.js';
import type { Deps } from '../deps.js';
import { newId } from '../id.js';

/** `phk_` and 256 random bits. */
const newKey = (): string => `phk_${randomBytes(32).toString('base64url')}`;

/** How a key is stored. It is long and random and thus cannot be guessed, so a fast hash is enough. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest();

export type CreateKeyResult = { outcome: 'created'; apiKey: ApiKey; key: string } | { outcome: 'account_unknown' };

/** Creates a key of an account. `key` is returned only here and stored as a hash. */
export async function createKey(
  { db }: Pick<Deps, 'db'>,
  { accountId, name, scopes }: { accountId: string; name: string; scopes: string[] },
): Promise<CreateKeyResult> {
  const key = newKey();
  const id = newId();
  const { rowCount } = await db.pool.query(
    `INSERT INTO api_keys (id, account_id, name, hash, scopes)
     SELECT $1, a.id, $3, $4, $5 FROM accounts a WHERE a.id = $2 AND a.deleted_at IS NULL FOR KEY SHARE`,
    [id, accountId, name, hashKey(key), scopes],
  );
  if (rowCount === 0) return { outcome: 'account_unknown' };
  return { outcome: 'created', apiKey: await db.prisma.apiKey.findUniqueOrThrow({ where: { id } }), key };
}
