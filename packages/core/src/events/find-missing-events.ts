import type pg from 'pg';

/** An event as its producer knows it: by its id, by its idempotency key, or by both. */
export interface KnownEvent {
  id: string | null;
  idempotencyKey: string | null;
}

/** Returns the events that the account does not have, in the given order. An event with a known key is not missing, even if its id is
 *  unknown: it was published again. Uses the keys of events and idempotency_keys. */
export async function findMissingEvents<Known extends KnownEvent>(
  pool: pg.Pool,
  { accountId, events }: { accountId: string; events: Known[] },
): Promise<Known[]> {
  const ids = events.flatMap(({ id }) => id ?? []);
  const keys = events.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
  const { rows } = await pool.query<{ id: string | null; key: string | null }>(
    `SELECT id, NULL AS key FROM events WHERE account_id = $1 AND id = ANY ($2::uuid[])
     UNION ALL SELECT NULL, key FROM idempotency_keys WHERE account_id = $1 AND key = ANY ($3::text[])`,
    [accountId, ids, keys],
  );
  const knownIds = new Set(rows.map(({ id }) => id));
  const knownKeys = new Set(rows.map(({ key }) => key));
  const isKnown = ({ id, idempotencyKey }: KnownEvent): boolean =>
    (id !== null && knownIds.has(id)) || (idempotencyKey !== null && knownKeys.has(idempotencyKey));
  return events.filter((event) => !isKnown(event));
}
