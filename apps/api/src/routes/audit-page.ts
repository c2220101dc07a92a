import { type AuditEntry, toTypeId, toUuid } from '@posthorn/contract';
import { type AuditEntry as Row, type Database, newestIds } from '@posthorn/core';
import { withoutQuery } from '../url-without-query.js';
import { storedObject } from './stored-json.js';

/** Selects entries. */
export interface AuditFilter {
  accountId?: string | undefined;
  actorId?: string | undefined;
  action?: string | undefined;
  actor?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** The indexes of the audit log, from few to many entries for a value; each continues with the id. */
const INDEXES = [
  ['actor_id'],
  ['account_id', 'action'],
  ['account_id', 'actor'],
  ['account_id'],
  ['action'],
  ['actor'],
  [],
];

/** Reads a page, newest first. Uses the first index that the filters have all columns of. */
export async function readAuditPage(
  db: Database,
  { accountId, actorId, action, actor, from, to }: AuditFilter,
  page: { beforeId: string | undefined; limit: number },
): Promise<NamedRow[]> {
  const columns = { account_id: accountId, actor_id: actorId, action, actor };
  const given = new Map(
    Object.entries(columns).flatMap(([column, value]) => (value === undefined ? [] : [[column, value]])),
  );
  const index = INDEXES.find((names) => names.every((name) => given.has(name))) ?? [];
  const others = [...given].filter(([column]) => !index.includes(column));
  const ids = await newestIds(db.pool, {
    table: 'audit_entries',
    of: Object.fromEntries([...given].filter(([column]) => index.includes(column))),
    filters: Object.fromEntries(others.map(([column, value]) => [column, [value]])),
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
    ...page,
  });
  const rows = await db.prisma.auditEntry.findMany({ where: { id: { in: ids } }, orderBy: { id: 'desc' } });
  const nameOf = await readNames(db, rows);
  return rows.map((row) => ({ ...row, targetName: nameOf(row) }));
}

export type NamedRow = Row & { targetName: string | null };

/** Reads the names of the changed subscriptions and keys with two statements by their keys. Returns the name of an entry's object, if it
 *  belongs to the entry's account. */
async function readNames(db: Database, rows: Row[]): Promise<(row: Row) => string | null> {
  const idsOf = (prefix: 'sub' | 'key') =>
    rows.flatMap(({ targetId }) => (targetId === null ? [] : (toUuid(prefix, targetId) ?? [])));
  const accountId = { in: rows.flatMap((row) => row.accountId ?? []) };
  const [subscriptions, keys] = await Promise.all([
    db.prisma.subscription.findMany({
      where: { id: { in: idsOf('sub') }, accountId },
      select: { id: true, accountId: true, url: true },
    }),
    db.prisma.apiKey.findMany({
      where: { id: { in: idsOf('key') }, accountId },
      select: { id: true, accountId: true, name: true },
    }),
  ]);
  const names = new Map([
    ...subscriptions.map((one) => [`${one.accountId} ${toTypeId('sub', one.id)}`, withoutQuery(one.url)] as const),
    ...keys.map((one) => [`${one.accountId} ${toTypeId('key', one.id)}`, one.name] as const),
  ]);
  return (row) => names.get(`${row.accountId} ${row.targetId}`) ?? null;
}

export const entryJson = (row: NamedRow, { showsAllAddresses }: { showsAllAddresses: boolean }): AuditEntry => ({
  id: toTypeId('aud', row.id),
  createdAt: row.createdAt.toISOString(),
  doneAt: row.doneAt?.toISOString() ?? null,
  actor: { kind: row.actor, id: row.actorId, name: row.actorName },
  accountId: row.accountId,
  action: row.action,
  target: { type: row.targetType, id: row.targetId, name: row.targetName },
  changes: storedObject(row.changes),
  requestId: row.requestId,
  address: showsAllAddresses || row.actor !== 'operator' ? row.address : null,
});
