import type { Deps } from '../deps.js';

/** Ends a session at once: the next request with it is refused. Returns false if it does not exist. */
export async function endSession({ db }: Pick<Deps, 'db'>, { id }: { id: string }): Promise<boolean> {
  const { count } = await db.prisma.session.deleteMany({ where: { id } });
  return count > 0;
}

/** Ends all sessions of every kind, including portal links that were not opened yet. */
export async function endAllSessions({ db }: Pick<Deps, 'db'>): Promise<void> {
  await db.prisma.session.deleteMany({});
}

/** Ends all portals of an account, including links that were not opened yet. Returns false if the account does not
 *  exist. */
export async function endPortals({ db }: Pick<Deps, 'db'>, { accountId }: { accountId: string }): Promise<boolean> {
  const { count } = await db.prisma.session.deleteMany({ where: { accountId, kind: 'portal' } });
  return count > 0 || (await db.prisma.account.count({ where: { id: accountId, deletedAt: null } })) > 0;
}
