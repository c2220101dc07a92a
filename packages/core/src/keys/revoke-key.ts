import type { Deps } from '../deps.js';

/** Ends a key at once: the next request with it is refused. false: this account has no such key. */
export async function revokeKey(
  { db }: Pick<Deps, 'db'>,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { count } = await db.prisma.apiKey.deleteMany({ where: { id, accountId } });
  return count > 0;
}
