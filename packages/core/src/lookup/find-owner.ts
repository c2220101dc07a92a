import type pg from 'pg';
import { afterDeliveryOf, firstDeliveryOf } from '../deliveries/late-attempts.js';

/** What may be looked up by its id. */
export type Kind = 'subscription' | 'event' | 'delivery' | 'attempt' | 'key' | 'verification' | 'replay';

/** Whose something is, and what it belongs to; ids of the database. */
export interface Owner {
  accountId: string;
  subscriptionId: string | null;
  eventId: string | null;
  deliveryId: string | null;
}

const NOTHING = 'NULL::uuid AS "subscriptionId", NULL::uuid AS "eventId", NULL::uuid AS "deliveryId"';
const OF_SUBSCRIPTION = 'subscription_id AS "subscriptionId", NULL::uuid AS "eventId", NULL::uuid AS "deliveryId"';
const OF_DELIVERY = `account_id AS "accountId", subscription_id AS "subscriptionId", NULL::uuid AS "eventId", delivery_id AS "deliveryId"`;
// Each uses its table's key; an attempt is found among the deliveries of its time ($3 to $4), or in the indexes of late ones.
const FIND: Record<Kind, string> = {
  subscription: `SELECT account_id AS "accountId", ${NOTHING} FROM subscriptions WHERE id = $1 AND deleted_at IS NULL`,
  // No index has the ids of events of all accounts: each account's are looked at.
  event: `SELECT e.account_id AS "accountId", ${NOTHING}
    FROM accounts o CROSS JOIN LATERAL (SELECT account_id FROM events WHERE account_id = o.id AND id = $1 LIMIT 1) e
    WHERE $2::text IS NULL OR o.id = $2`,
  delivery: `SELECT account_id AS "accountId", subscription_id AS "subscriptionId", event_id AS "eventId", NULL::uuid AS "deliveryId"
    FROM deliveries WHERE id = $1`,
  attempt: `SELECT ${OF_DELIVERY} FROM attempts WHERE id = $1 AND is_late
    UNION ALL SELECT ${OF_DELIVERY} FROM attempts WHERE id = $1 AND NOT is_late AND delivery_id >= $3 AND delivery_id < $4
    UNION ALL SELECT account_id, ${OF_SUBSCRIPTION} FROM verification_attempts a JOIN verifications v ON v.id = a.verification_id WHERE a.id = $1`,
  key: `SELECT account_id AS "accountId", ${NOTHING} FROM api_keys WHERE id = $1`,
  verification: `SELECT account_id AS "accountId", ${OF_SUBSCRIPTION} FROM verifications WHERE id = $1`,
  replay: `SELECT account_id AS "accountId", ${OF_SUBSCRIPTION} FROM replays WHERE id = $1`,
};

/** Whose the thing with this id is; null: there is none, or (of `accountId`, unless null) it is another account's. */
export async function findOwner(
  pool: pg.Pool,
  { kind, id, accountId }: { kind: Kind; id: string; accountId: string | null },
): Promise<Owner | null> {
  const { rows } = await pool.query<Owner>(
    `SELECT f.* FROM (${FIND[kind]}) f JOIN accounts a ON a.id = f."accountId"
     WHERE a.deleted_at IS NULL AND ($2::text IS NULL OR f."accountId" = $2)`,
    kind === 'attempt' ? [id, accountId, firstDeliveryOf(id), afterDeliveryOf(id)] : [id, accountId],
  );
  return rows[0] ?? null;
}
