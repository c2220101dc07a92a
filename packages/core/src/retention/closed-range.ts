import pg from 'pg';
import { type Partition, type Partitioned, boundsOf, otherOf } from './partitions.js';

const SUFFIX = '_other_closed_range';
/** A time range is closed while the default partition has this CHECK: no row of that time is inserted or updated
 *  there. */
const checkOf = (table: Partitioned): string => table + SUFFIX;

/** Returns the statement that closes a range. It does not check the present rows. */
export const closeRange = (table: Partitioned, partition: Partition): string =>
  `ALTER TABLE ${otherOf(table)} ADD CONSTRAINT ${checkOf(table)} CHECK (NOT (${boundsOf(table, partition)})) NOT VALID`;

/** Returns the statement that checks the present rows, without blocking reads or writes. */
export const validateRange = (table: Partitioned): string =>
  `ALTER TABLE ${otherOf(table)} VALIDATE CONSTRAINT ${checkOf(table)}`;

export const openRange = (table: Partitioned): string =>
  `ALTER TABLE ${otherOf(table)} DROP CONSTRAINT ${checkOf(table)}`;

export async function isRangeClosed(client: pg.ClientBase, table: Partitioned): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2', [
    otherOf(table),
    checkOf(table),
  ]);
  return rowCount === 1;
}

/** Returns whether a statement failed because the time range of its row is closed: in a moment it has a partition. */
export const isClosedRange = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '23514' && (error.constraint ?? '').endsWith(SUFFIX);
