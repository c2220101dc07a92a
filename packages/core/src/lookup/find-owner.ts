import type pg from 'pg';
import { afterDeliveryOf, firstDeliveryOf } from '../deliveries/late-attempts.js';

/** Objects that can be looked up by id. */
export type Kind = 'subscription' | 'event' | 'delivery' | 'attempt' | 'key' | 'verification' | 'replay';

/** The account and the parents of an object, as ids of the database. */
export interface Owner {
  /** null: a replay of operators. */
  accountId: string | null;
  subscriptionId: string | null;
  eventId: string | null;
  deliveryId: string | null;
}

const NO_PARENTS = 'NULL::uuid AS "subscriptionId", NULL::uuid AS "eventId", NULL::uuid AS "deliveryId"';
const OF_SUBSCRIPTION = 'subscription_id AS "subscriptionId", NULL::uuid AS "eventId", NULL::uuid AS "deliveryId"';
const OF_DELIVERY = `account_id AS "accountId", subscription_id AS "subscriptionId", NULL::uuid AS "eventId", delivery_id AS "deliveryId"`;
// Each uses its table's key. An attempt is found among the deliveries of its time ($3 to $4), or in the indexes of late attempts.
const FIND: Record<Kind, string> = {
  subscription: `SELECT account_id AS "accountId", ${NO_PARENTS} FROM subscriptions WHERE id = $1 AND deleted_at IS NULL`,
  // No index contains the event ids of all accounts, so probe each account.
  event: `SELECT e.account_id AS "accountId", ${NO_PARENTS}
    FROM accounts o CROSS JOIN LATERAL (SELECT account_id FROM events WHERE account_id = o.id AND id = $1 LIMIT 1) e
    WHERE $2::text IS NULL OR o.id = $2`,
  delivery: `SELECT account_id AS "accountId", subscription_id AS "subscriptionId", event_id AS "eventId", NULL::uuid AS "deliveryId"
    FROM deliveries WHERE id = $1`,
  attempt: `SELECT ${OF_DELIVERY} FROM attempts WHERE id = $1 AND is_late
    UNION ALL SELECT ${OF_DELIVERY} FROM attempts WHERE id = $1 AND NOT is_late AND delivery_id >= $3 AND delivery_id < $4
    UNION ALL SELECT account_id, ${OF_SUBSCRIPTION} FROM verification_attempts a JOIN verifications v ON v.id = a.verification_id WHERE a.id = $1`,
  key: `SELECT account_id AS "accountId", ${NO_PARENTS} FROM api_keys WHERE id = $1`,
  verification: `SELECT account_id AS "accountId", ${OF_SUBSCRIPTION} FROM verifications WHERE id = $1`,
  replay: `SELECT account_id AS "accountId", CASE WHEN cardinality(subscription_ids) = 1 THEN subscription_ids[1] END AS "subscriptionId",
      NULL::uuid AS "eventId", NULL::uuid AS "deliveryId"
    FROM replays WHERE id = $1`,
};

/** Returns the owner of the object with this id; null if it does not exist or (unless `accountId` is null) belongs
 *  to another account. */
export async function findOwner(
  pool: pg.Pool,
  { kind, id, accountId }: { kind: Kind; id: string; accountId: string | null },
): Promise<Owner | null> {
  const { rows } = await pool.query<Owner>(
    `SELECT f.* FROM (${FIND[kind]}) f LEFT JOIN accounts a ON a.id = f."accountId"
     WHERE CASE WHEN f."accountId" IS NULL THEN $2::text IS NULL
       ELSE a.id IS NOT NULL AND a.deleted_at IS NULL AND ($2 IS NULL OR a.id = $2) END`,
    kind === 'attempt' ? [id, accountId, firstDeliveryOf(id), afterDeliveryOf(id)] : [id, accountId],
  );
  return rows[0] ?? null;
}
