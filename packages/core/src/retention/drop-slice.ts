import type pg from 'pg';
import { BEFORE_ALL, type Slice, type Sliced } from './slices.js';

/** Rows that are moved while everybody waits. With more than that still needed a slice is not dropped, but thinned out. */
const MOVED_AT_ONCE = 2_000;

/** The rows of an old slice that are needed on, at most one more than can be moved. Called when the old deliveries are gone, so
 *  what is left is owed, or was brought back later. */
const STILL_NEEDED: Record<Sliced, (slice: string) => string> = {
  // Leans on deliveries_event_id_idx. An event is needed as long as there is a delivery of it.
  events: () =>
    `SELECT DISTINCT event_id AS id FROM deliveries WHERE event_id >= $1 AND event_id < $2 LIMIT ${MOVED_AT_ONCE + 1}`,
  // Leans on deliveries' key and on the slice's index by delivery. An attempt is no older than its delivery.
  attempts: (slice) =>
    `SELECT a.id FROM deliveries d JOIN ${slice} a ON a.delivery_id = d.id
     WHERE d.id < $2 AND d.attempt_count > 0 AND a.id >= $1 LIMIT ${MOVED_AT_ONCE + 1}`,
};

/** Ids of the slice's rows that are still needed; null: more than can be moved. */
export async function readNeeded(client: pg.ClientBase, table: Sliced, slice: Slice): Promise<string[] | null> {
  const { rows } = await client.query<{ id: string }>(STILL_NEEDED[table](slice.name), [
    slice.from ?? BEFORE_ALL,
    slice.until,
  ]);
  return rows.length > MOVED_AT_ONCE ? null : rows.map(({ id }) => id);
}

/** Drops a slice, in one transaction of `client`; what is still needed moves to the other rows. Everybody who uses the table
 *  waits meanwhile, and nobody finds it without a row that is needed: whoever comes before sees the slice, whoever comes
 *  after sees the moved rows. What is needed is read again under the lock, for an event may have been given a delivery since
 *  (an attempt cannot: it is recorded with an id of now). Returns about how many rows went, as Postgres estimates it; null if
 *  too many are needed by now. */
export async function dropSlice(
  client: pg.ClientBase,
  table: Sliced,
  slice: Slice,
  needed: string[],
): Promise<number | null> {
  await client.query(`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`);
  const kept = table === 'events' ? await readNeeded(client, table, slice) : needed;
  if (kept === null) return null;
  const { rows } = await client.query<{ count: number }>(
    'SELECT reltuples::float8 AS count FROM pg_class WHERE oid = $1::regclass',
    [slice.name],
  );
  await client.query(`ALTER TABLE ${table} DETACH PARTITION ${slice.name}`);
  if (kept.length > 0) {
    await client.query(`INSERT INTO ${table} SELECT * FROM ${slice.name} WHERE id = ANY ($1::uuid[])`, [kept]);
  }
  await client.query(`DROP TABLE ${slice.name}`);
  return Math.max(0, (rows[0]?.count ?? 0) - kept.length);
}
