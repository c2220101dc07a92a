import { openBatch } from '../batch.js';
import type { Deps } from '../deps.js';
import { hashKey } from './create-key.js';

export interface KnownKey {
  id: string;
  accountId: string;
  scopes: string[];
}

export interface Keyring {
  /** Returns the owner of a key; null if it is unknown or revoked. Queries the database each time, so a revoked key
   *  fails at once; concurrent calls share a statement. Updates the key's last use, to the minute. */
  find(key: string): Promise<KnownKey | null>;
}

// Uses api_keys_hash_key.
const FIND = `
WITH found AS (
  SELECT k.id, k.account_id, k.scopes, k.hash, k.last_used_at FROM api_keys k JOIN accounts a ON a.id = k.account_id
  WHERE k.hash = ANY ($1::bytea[]) AND a.deleted_at IS NULL
), used AS (
  UPDATE api_keys k SET last_used_at = now() FROM found f
  WHERE k.id = f.id AND (f.last_used_at IS NULL OR f.last_used_at < now() - interval '1 minute')
)
SELECT id, account_id AS "accountId", scopes, encode(hash, 'hex') AS hash FROM found`;

export function openKeyring({ db }: Pick<Deps, 'db'>): Keyring {
  const batch = openBatch<Buffer, KnownKey | null>({
    maxSize: 200,
    maxRuns: 2,
    async run(hashes) {
      const { rows } = await db.pool.query<KnownKey & { hash: string }>({
        name: 'find-keys',
        text: FIND,
        values: [hashes],
      });
      const byHash = new Map(rows.map(({ hash, ...key }) => [hash, key]));
      return hashes.map((hash) => byHash.get(hash.toString('hex')) ?? null);
    },
  });
  return { find: (key) => batch.add(hashKey(key)) };
}
