import type pg from 'pg';
import { BEFORE_ALL, KEY, MOVED_AT_ONCE, type Partition, type Partitioned } from './partitions.js';

/** Whose rows of an old partition are still needed, and their keys; at most one more than can be moved. Called after the finished deliveries of its time were
 *  dropped, so the deliveries that are left are pending. */
const STILL_NEEDED: Record<Partitioned, (partition: Partition) => string> = {
  finished_deliveries: () => 'SELECT NULL::text AS account_id, NULL::uuid AS id WHERE false',
  // An event is needed as long as there is a delivery of it, whose id lies in the same partition, or there will be one.
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

/** About how many rows it has, as Postgres estimates it. */
export async function estimateRows(client: pg.ClientBase, { name }: Partition): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT greatest(reltuples, 0)::float8 AS count FROM pg_class WHERE oid = $1::regclass',
    [name],
  );
  return rows[0]?.count ?? 0;
}
