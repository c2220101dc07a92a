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

/** Returns the partitions that are missing to cover a month and one whole partition ahead. The first one begins at
 *  least a day ahead: the rows of an earlier time are in the default partition, or an API whose clock is up to a day
 *  ahead inserts them now. */
export function missingPartitions(
  table: Partitioned,
  partitions: Partition[],
  { at, retentionDays }: { at: Date; retentionDays: number },
): Required<Partition>[] {
  const width = widthMs(retentionDays);
  // Two days more: after a month without workers, the next one begins where the last one ends.
  const until = at.getTime() + Math.max(width, AHEAD_MS) + 2 * DAY_MS;
  const earliest = Math.ceil((at.getTime() + DAY_MS + 1) / DAY_MS) * DAY_MS;
  const last = partitions.at(-1);
  const missing: Required<Partition>[] = [];
  for (let from = Math.max(earliest, last ? idTime(last.until).getTime() : 0); from < until; from += width) {
    const day = new Date(from).toISOString().slice(0, 10).replaceAll('-', '');
    missing.push({ name: `${table}_${day}`, from: firstIdAt(from), until: firstIdAt(from + width) });
  }
  return missing;
}

/** Returns for how many seconds ahead every table has partitions without a gap, by the database's clock. 0: new rows
 *  go to the default partition. */
export async function readAheadSeconds(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ now: Date }>('SELECT now()');
  const now = rows[0]?.now ?? new Date(0);
  const ends: number[] = [];
  for (const table of PARTITIONED) ends.push(endOfCover(await readPartitions(client, table), now));
  return (Math.min(...ends) - now.getTime()) / 1_000;
}

/** Returns until when partitions follow one another without a gap, from this moment on. */
function endOfCover(partitions: Partition[], at: Date): number {
  let end = firstIdAt(at);
  for (const { from, until } of partitions) if ((from === null || from <= end) && until > end) end = until;
  return idTime(end).getTime();
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

/** SQL: the key is in the time range of the partition. */
export const boundsOf = (table: Partitioned, { from, until }: Partition): string =>
  `${KEY[table]} >= '${from ?? BEFORE_ALL}' AND ${KEY[table]} < '${until}'`;
