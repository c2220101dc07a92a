import type { Deps } from '../deps.js';

/** Revokes a key at once: the next request with it is refused. Returns false if the account has no such key. */
export async function revokeKey(
  { db }: Pick<Deps, 'db'>,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { count } = await db.prisma.apiKey.deleteMany({ where: { id, accountId } });
  return count > 0;
}
