import type { Account } from '../generated/prisma/client.js';
import type { Deps } from '../deps.js';

/** Creates the account of this id, or changes what is given of it; what is absent stays. Safe to repeat. */
export async function putAccount(
  { db }: Pick<Deps, 'db'>,
  { id, name, metadata }: { id: string; name?: string | null; metadata?: Record<string, unknown> },
): Promise<{ outcome: 'created' | 'updated'; account: Account }> {
  const { rows } = await db.pool.query<{ created: boolean }>(
    `INSERT INTO accounts AS a (id, name, metadata) VALUES ($1, $2, coalesce($3::json, '{}'))
     ON CONFLICT (id) DO UPDATE SET updated_at = now(),
       name = CASE WHEN $4 THEN excluded.name ELSE a.name END,
       metadata = CASE WHEN $5 THEN excluded.metadata ELSE a.metadata END
     RETURNING xmax = 0 AS created`,
    [
      id,
      name ?? null,
      metadata === undefined ? null : JSON.stringify(metadata),
      name !== undefined,
      metadata !== undefined,
    ],
  );
  const account = await db.prisma.account.findUniqueOrThrow({ where: { id } });
  return { outcome: rows[0]?.created ? 'created' : 'updated', account };
}
