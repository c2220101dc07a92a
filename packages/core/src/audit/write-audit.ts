import type { Deps } from '../deps.js';
import type { ActorKind } from '../generated/prisma/client.js';
import { idTime, newId } from '../id.js';

/** An audit entry is begun before the change, then done after it, or withdrawn if nothing changed. An entry that
 *  stays begun belongs to a request without a response: the process crashed or the database failed, and it is
 *  unknown whether the change was made. */
export interface AuditRecord {
  actor: ActorKind;
  /** The key or session, by its public id; null: the operator key itself, or nobody. */
  actorId: string | null;
  /** The account key behind it. Its name is stored too, because keys are deleted. */
  keyId: string | null;
  accountId: string | null;
  /** The operation. */
  action: string;
  targetType: string;
  targetId: string | null;
  /** Contains no secrets and no query strings of URLs. */
  changes: object;
  requestId: string;
  address: string;
}

/** Stores who is about to do what. Returns the entry's id. Throws if the database fails: then do not make the
 *  change. */
export async function beginAudit({ db }: Pick<Deps, 'db'>, record: AuditRecord): Promise<string> {
  const id = newId();
  await db.pool.query(`${INSERT}, NULL)`, valuesOf(id, record));
  return id;
}

/** Stores who did what and ends the begun entry, if there is one. Throws if the database fails: then do not report
 *  success. */
export async function writeAudit({ db }: Pick<Deps, 'db'>, begun: string | null, record: AuditRecord): Promise<void> {
  await db.pool.query(
    `${INSERT}, now())
     ON CONFLICT (id) DO UPDATE SET target_id = EXCLUDED.target_id, changes = EXCLUDED.changes, done_at = EXCLUDED.done_at`,
    valuesOf(begun ?? newId(), record),
  );
}

/** Deletes a begun entry, because the request was refused or changed nothing. */
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
