import type pg from 'pg';

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
// Each leans on its table's key.
const FIND: Record<Kind, string> = {
  subscription: `SELECT account_id AS "accountId", ${NOTHING} FROM subscriptions WHERE id = $1 AND deleted_at IS NULL`,
  event: `SELECT account_id AS "accountId", ${NOTHING} FROM events WHERE id = $1`,
  delivery: `SELECT account_id AS "accountId", subscription_id AS "subscriptionId", event_id AS "eventId", NULL::uuid AS "deliveryId"
    FROM deliveries WHERE id = $1`,
  attempt: `SELECT account_id AS "accountId", subscription_id AS "subscriptionId", NULL::uuid AS "eventId", delivery_id AS "deliveryId"
    FROM attempts WHERE id = $1`,
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
    [id, accountId],
  );
  return rows[0] ?? null;
}
