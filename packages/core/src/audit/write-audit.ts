import type { Deps } from '../deps.js';
import type { ActorKind } from '../generated/prisma/client.js';
import { newId } from '../id.js';

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

/** Notes who did what. Throws when the database does: then nobody may be told that it was done. */
export async function writeAudit({ db }: Pick<Deps, 'db'>, record: AuditRecord): Promise<void> {
  await db.pool.query(
    `INSERT INTO audit_entries (id, actor, actor_id, actor_name, account_id, action, target_type, target_id, changes, request_id, address)
     VALUES ($1, $2, $3, (SELECT name FROM api_keys WHERE id = $4), $5, $6, $7, $8, $9, $10, $11)`,
    [
      newId(),
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
    ],
  );
}
