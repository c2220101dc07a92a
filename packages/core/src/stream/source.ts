import type { Database } from '../database.js';

export interface AnyKey {
  id: string;
}
export interface AnyRow extends AnyKey {
  accountId: string;
}

/** Where a follower finds new rows. Their ids contain the time of creation. */
export interface Source<Key extends AnyKey, Row extends AnyRow, Filter> {
  /** Returns the keys after an id, the newest first, at most `limit`. */
  find(db: Pick<Database, 'pool'>, wanted: Wanted<Filter>, limit: number): Promise<Key[]>;
  /** Returns how many of these keys, counted from the first, one read may load. */
  countReadable(found: Key[]): number;
  /** Returns the rows with these keys, the oldest first. */
  read(db: Pick<Database, 'pool'>, found: Key[]): Promise<Row[]>;
  matches(filter: Filter, row: Row): boolean;
}

export interface Wanted<Filter> {
  /** null: all accounts. */
  accountIds: string[] | null;
  /** null: all rows of the accounts. */
  filter: Filter | null;
  /** Returns ids after this one. */
  after: string;
}
