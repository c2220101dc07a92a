import type pg from 'pg';
import { BEFORE_ALL, KEY, MOVED_AT_ONCE, type Partition, type Partitioned } from './partitions.js';

/** The keys of rows of an old partition that are still needed; at most one more than can be moved. Runs after the
 *  finished deliveries of that time were dropped, so the remaining deliveries are pending. */
const STILL_NEEDED: Record<Partitioned, (partition: Partition) => string> = {
  finished_deliveries: () => 'SELECT NULL::text AS account_id, NULL::uuid AS id WHERE false',
  // An event is needed while it has a delivery, whose id is in the same partition, or is expanding.
  events: ({ from, until }) =>
    `SELECT DISTINCT account_id, event_id AS id FROM (
       (SELECT account_id, event_id FROM deliveries WHERE id >= '${from ?? BEFORE_ALL}' AND id < '${until}' ORDER BY id OFFSET 0)
       UNION ALL
       SELECT account_id, event_id FROM fan_outs WHERE event_id >= '${from ?? BEFORE_ALL}' AND event_id < '${until}' AND completed_at IS NULL
     ) d LIMIT ${MOVED_AT_ONCE + 1}`,
  // Uses the keys of deliveries and of the partition.
  earlier_attempts: ({ name, from, until }) =>
    `SELECT d.account_id, d.id FROM deliveries d JOIN ${name} a ON a.delivery_id = d.id
     WHERE d.id >= '${from ?? BEFORE_ALL}' AND d.id < '${until}' AND d.attempt_count > 0 LIMIT ${MOVED_AT_ONCE + 1}`,
};

/** Returns the keys of rows that are still needed; null: more than can be moved, so old rows are deleted instead of
 *  the partition being dropped. */
export async function readNeeded(
  client: pg.ClientBase,
  table: Partitioned,
  partition: Partition,
): Promise<string[] | null> {
  const { rows } = await client.query<{ id: string }>(STILL_NEEDED[table](partition));
  return rows.length > MOVED_AT_ONCE ? null : rows.map(({ id }) => id);
}

/** Returns the statement that drops a partition after moving rows that are still needed. Other users of the table
 *  wait meanwhile, and always find needed rows: in the partition before, among the moved rows after.
 *  The statement reads the needed rows again under the lock, because an event may have got a delivery, or a delivery
 *  an attempt. It fails if there are now too many. One statement avoids round trips while others wait. */
export function dropPartition(table: Partitioned, partition: Partition): string {
  return `DO $$
DECLARE
  accounts text[];
  keys uuid[];
BEGIN
  LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE;
  SELECT array_agg(account_id), array_agg(id) INTO accounts, keys FROM (${STILL_NEEDED[table](partition)}) needed;
  IF cardinality(keys) > ${MOVED_AT_ONCE} THEN RAISE lock_not_available; END IF;
  ALTER TABLE ${table} DETACH PARTITION ${partition.name};
  INSERT INTO ${table} SELECT p.*
  FROM (SELECT DISTINCT account_id, id FROM unnest(accounts, keys) AS needed (account_id, id)) n
  JOIN ${partition.name} p ON p.account_id = n.account_id AND p.${KEY[table]} = n.id;
  DROP TABLE ${partition.name};
END $$`;
}

/** Returns Postgres' estimate of the number of rows. */
export async function estimateRows(client: pg.ClientBase, { name }: Partition): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT greatest(reltuples, 0)::float8 AS count FROM pg_class WHERE oid = $1::regclass',
    [name],
  );
  return rows[0]?.count ?? 0;
}
