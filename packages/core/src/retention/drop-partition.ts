import type pg from 'pg';
import { BEFORE_ALL, KEY, MOVED_AT_ONCE, type Partition, type Partitioned } from './partitions.js';

/** The rows of an old partition that are still needed, at most one more than can be moved. Called after the finished deliveries of its time were
 *  dropped, so the deliveries that are left are pending. */
const STILL_NEEDED: Record<Partitioned, (partition: Partition) => string> = {
  finished_deliveries: () => 'SELECT NULL::uuid AS id WHERE false',
  // An event is needed as long as there is a delivery of it, whose id lies in the same partition, or there will be one.
  events: ({ from, until }) =>
    `SELECT DISTINCT event_id AS id FROM (
       (SELECT event_id FROM deliveries WHERE id >= '${from ?? BEFORE_ALL}' AND id < '${until}' ORDER BY id OFFSET 0)
       UNION ALL
       SELECT event_id FROM fan_outs WHERE event_id >= '${from ?? BEFORE_ALL}' AND event_id < '${until}' AND completed_at IS NULL
     ) d LIMIT ${MOVED_AT_ONCE + 1}`,
  // Uses the keys of deliveries and of the partition.
  attempts: ({ name, from, until }) =>
    `SELECT a.delivery_id AS id FROM deliveries d JOIN ${name} a ON a.delivery_id = d.id
     WHERE d.id >= '${from ?? BEFORE_ALL}' AND d.id < '${until}' AND d.attempt_count > 0 LIMIT ${MOVED_AT_ONCE + 1}`,
};

/** Keys of the partition's rows that are still needed; null: more than can be moved, so the partition is not dropped, but thinned out. */
export async function readNeeded(
  client: pg.ClientBase,
  table: Partitioned,
  partition: Partition,
): Promise<string[] | null> {
  const { rows } = await client.query<{ id: string }>(STILL_NEEDED[table](partition));
  return rows.length > MOVED_AT_ONCE ? null : rows.map(({ id }) => id);
}

/** The statement that drops a partition; what is still needed moves to the other rows. Everybody who uses the table waits meanwhile,
 *  and nobody finds it without a row that is needed: whoever comes before sees the partition, whoever comes after sees the moved
 *  rows. Which rows are needed is read again under the lock, for an event may have been given a delivery since, and a delivery an
 *  attempt; with too many by now it fails. One statement, so that nobody waits for
 *  messages that go to and fro. */
export function dropPartition(table: Partitioned, partition: Partition): string {
  return `DO $$
DECLARE needed uuid[];
BEGIN
  LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE;
  needed := ARRAY(${STILL_NEEDED[table](partition)});
  IF cardinality(needed) > ${MOVED_AT_ONCE} THEN RAISE lock_not_available; END IF;
  ALTER TABLE ${table} DETACH PARTITION ${partition.name};
  INSERT INTO ${table} SELECT * FROM ${partition.name} WHERE ${KEY[table]} = ANY (needed);
  DROP TABLE ${partition.name};
END $$`;
}

/** About how many rows it has, as Postgres estimates it. */
export async function estimateRows(client: pg.ClientBase, { name }: Partition): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT greatest(reltuples, 0)::float8 AS count FROM pg_class WHERE oid = $1::regclass',
    [name],
  );
  return rows[0]?.count ?? 0;
}
