import type { Account } from '../generated/prisma/client.js';
import type { Deps } from '../deps.js';

export type PutAccountResult =
  | { outcome: 'created' | 'updated'; account: Account }
  /** An account with this id was deleted, and its rows are still being erased. */
  | { outcome: 'erasing' };

/** Creates the account, or changes the given fields. Safe to repeat. */
export async function putAccount(
  { db }: Pick<Deps, 'db'>,
  { id, name, metadata }: { id: string; name?: string | null; metadata?: Record<string, unknown> },
): Promise<PutAccountResult> {
  const { rows } = await db.pool.query<{ created: boolean }>(
    `INSERT INTO accounts AS a (id, name, metadata) VALUES ($1, $2, coalesce($3::json, '{}'))
     ON CONFLICT (id) DO UPDATE SET updated_at = now(),
       name = CASE WHEN $4 THEN excluded.name ELSE a.name END,
       metadata = CASE WHEN $5 THEN excluded.metadata ELSE a.metadata END
     WHERE a.deleted_at IS NULL
     RETURNING xmax = 0 AS created`,
    [
      id,
      name ?? null,
      metadata === undefined ? null : JSON.stringify(metadata),
      name !== undefined,
      metadata !== undefined,
    ],
  );
  const [row] = rows;
  const account = row && (await db.prisma.account.findFirst({ where: { id, deletedAt: null } }));
  return account ? { outcome: row.created ? 'created' : 'updated', account } : { outcome: 'erasing' };
}
