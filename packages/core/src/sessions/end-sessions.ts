import type { Deps } from '../deps.js';

/** Ends one session at once: the next request with it is refused. false: there is none of this id. */
export async function endSession({ db }: Pick<Deps, 'db'>, { id }: { id: string }): Promise<boolean> {
  const { count } = await db.prisma.session.deleteMany({ where: { id } });
  return count > 0;
}

/** Ends every session there is, of every kind; links of portals that wait to be opened go too. */
export async function endAllSessions({ db }: Pick<Deps, 'db'>): Promise<void> {
  await db.prisma.session.deleteMany({});
}

/** Ends all portals of an account, and their links that wait to be opened. false: there is no such account. */
export async function endPortals({ db }: Pick<Deps, 'db'>, { accountId }: { accountId: string }): Promise<boolean> {
  const { count } = await db.prisma.session.deleteMany({ where: { accountId, kind: 'portal' } });
  return count > 0 || (await db.prisma.account.count({ where: { id: accountId, deletedAt: null } })) > 0;
}
