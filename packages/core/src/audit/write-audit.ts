import type { Deps } from '../deps.js';
import type { ActorKind } from '../generated/prisma/client.js';
import { idTime, newId } from '../id.js';

/** An entry's life: begun before the change is made → done, once it was made · withdrawn, when nothing was changed. One that stays
 *  begun tells of a change that was never answered: the process ended meanwhile, or the database was away, and nobody knows
 *  whether it was made. */
export interface AuditRecord {
  actor: ActorKind;
  /** The key or the session, as the outside knows it; null: the operator key itself, or nobody. */
  actorId: string | null;
  /** The account key behind it: its name is noted, since keys go. */
  keyId: string | null;
  accountId: string | null;
  /** The operation. */
  action: string;
  targetType: string;
  targetId: string | null;
  /** No secret, and nothing of a URL's query. */
  changes: object;
  requestId: string;
  address: string;
}

/** Notes who is about to do what; returns the entry's id. Throws when the database does: then it must not be done. */
export async function beginAudit({ db }: Pick<Deps, 'db'>, record: AuditRecord): Promise<string> {
  const id = newId();
  await db.pool.query(`${INSERT}, NULL)`, valuesOf(id, record));
  return id;
}

/** Notes who did what, as the end of the entry that was begun (null: of none). Throws when the database does: then nobody may be told
 *  that it was done. */
export async function writeAudit({ db }: Pick<Deps, 'db'>, begun: string | null, record: AuditRecord): Promise<void> {
  await db.pool.query(
    `${INSERT}, now())
     ON CONFLICT (id) DO UPDATE SET target_id = EXCLUDED.target_id, changes = EXCLUDED.changes, done_at = EXCLUDED.done_at`,
    valuesOf(begun ?? newId(), record),
  );
}

/** Takes an entry back that was begun: it was refused, or had nothing to change. */
export async function withdrawAudit({ db }: Pick<Deps, 'db'>, begun: string): Promise<void> {
  await db.pool.query('DELETE FROM audit_entries WHERE id = $1 AND done_at IS NULL', [begun]);
}

const INSERT = `
  INSERT INTO audit_entries (id, actor, actor_id, actor_name, account_id, action, target_type, target_id, changes, request_id, address, created_at, done_at)
  VALUES ($1, $2, $3, (SELECT name FROM api_keys WHERE id = $4), $5, $6, $7, $8, $9, $10, $11, $12`;

const valuesOf = (id: string, record: AuditRecord): unknown[] => [
  id,
  record.actor,
  record.actorId,
  record.keyId,
  record.accountId,
  record.action,
  record.targetType,
  record.targetId,
  JSON.stringify(record.changes),
  record.requestId,
  record.address,
  idTime(id),
];
