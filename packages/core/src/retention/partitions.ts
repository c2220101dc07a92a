import type pg from 'pg';
import { idTime } from '../id.js';

/** Tables with partitions by time, most of the ledger's bytes, in the order in which old partitions are dropped. */
export const PARTITIONED = ['finished_deliveries', 'events', 'earlier_attempts'] as const;
export type Partitioned = (typeof PARTITIONED)[number];

/** The column by which a table is partitioned: an attempt is in the partition of its delivery. */
export const KEY: Record<Partitioned, 'id' | 'delivery_id'> = {
  finished_deliveries: 'id',
  events: 'id',
  earlier_attempts: 'delivery_id',
};

/** A partition: rows with keys from `from` to before `until`. */
export interface Partition {
  name: string;
  /** null: the first one, without a lower bound. */
  from: string | null;
  until: string;
}

/** The default partition: rows of a dropped partition that are still needed, and rows whose ids come from wrong
 *  clocks. */
export const otherOf = (table: Partitioned): string => `${table}_other`;

/** Reads the partitions from the catalogue, the oldest first. */
export async function readPartitions(client: pg.ClientBase, table: Partitioned): Promise<Partition[]> {
  const { rows } = await client.query<{ name: string; bound: string }>(
    `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass`,
    [table],
  );
  const partitions = rows.flatMap(({ name, bound }): Partition[] => {
    const [, from, until] = /^FOR VALUES FROM \((?:'(.+)'|MINVALUE)\) TO \('(.+)'\)$/.exec(bound) ?? [];
    return until === undefined ? [] : [{ name, from: from ?? null, until }];
  });
  return partitions.toSorted((a, b) => (a.until < b.until ? -1 : 1));
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Partitions are created this long ahead, so a month without workers leaves no gap. */
const AHEAD_MS = 30 * DAY_MS;

/** The time range of a partition. Few partitions are better, because loading a delivery opens all partitions of
 *  `events`. But rows are dropped only with the last row of their partition. */
const widthMs = (retentionDays: number): number => Math.max(1, Math.floor(retentionDays / 4)) * DAY_MS;

/** Returns the partitions that are missing to cover a month and one whole partition ahead. A partition that has
 *  already begun is not created: its rows are in the default partition. */
export function missingPartitions(
  table: Partitioned,
  partitions: Partition[],
  { at, retentionDays }: { at: Date; retentionDays: number },
): Required<Partition>[] {
  const width = widthMs(retentionDays);
  const until = at.getTime() + Math.max(width, AHEAD_MS);
  const tomorrow = Math.ceil((at.getTime() + 1) / DAY_MS) * DAY_MS;
  const last = partitions.at(-1);
  const missing: Required<Partition>[] = [];
  for (let from = Math.max(tomorrow, last ? idTime(last.until).getTime() : 0); from < until; from += width) {
    const day = new Date(from).toISOString().slice(0, 10).replaceAll('-', '');
    missing.push({ name: `${table}_${day}`, from: firstIdAt(from), until: firstIdAt(from + width) });
  }
  return missing;
}

/** Returns for how many seconds ahead every table has partitions, by the database's clock. 0: new rows go to the
 *  default partition. */
export async function readAheadSeconds(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ now: Date }>('SELECT now()');
  const now = rows[0]?.now.getTime() ?? 0;
  const ends: number[] = [];
  for (const table of PARTITIONED) {
    const last = (await readPartitions(client, table)).at(-1);
    ends.push(last ? idTime(last.until).getTime() : now);
  }
  return Math.max(0, (Math.min(...ends) - now) / 1_000);
}

/** Returns the smallest UUIDv7 of a moment, like posthorn_uuid_at in SQL. */
export function firstIdAt(time: number | Date): string {
  const hex = Math.floor(Number(time)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** Lower than any id. */
export const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Maximum number of rows to move while others wait. */
export const MOVED_AT_ONCE = 2_000;

/** Returns whether the default partition has more rows of this partition than can be moved. */
export async function isCrowded(
  client: pg.ClientBase,
  table: Partitioned,
  { from, until }: Partition,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM ${otherOf(table)} WHERE ${KEY[table]} >= $1 AND ${KEY[table]} < $2 LIMIT ${MOVED_AT_ONCE + 1}`,
    [from ?? BEFORE_ALL, until],
  );
  return (rowCount ?? 0) > MOVED_AT_ONCE;
}

/** Returns the statement that creates a partition. Rows of its time in the default partition (from fast clocks) move
 *  into it. Others wait meanwhile, but only briefly: there are few such rows, and it is one statement. */
export function addPartition(table: Partitioned, { name, from, until }: Partition): string {
  const bounds = `${KEY[table]} >= '${from}' AND ${KEY[table]} < '${until}'`;
  return `DO $$
BEGIN
  CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL);
  LOCK TABLE ${otherOf(table)} IN ACCESS EXCLUSIVE MODE;
  WITH early AS (DELETE FROM ${otherOf(table)} WHERE ${bounds} RETURNING *) INSERT INTO ${name} SELECT * FROM early;
  ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${until}');
END $$`;
}
