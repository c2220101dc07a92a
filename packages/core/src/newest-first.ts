import type pg from 'pg';
import { idsAround } from './replays/ids-around.js';

/** Adds a parameter to a statement. Returns its placeholder. */
export type Param = (value: unknown) => string;

export interface WantedPage {
  /** Created at or after `from`, and before `until`. */
  from?: Date | undefined;
  to?: Date | undefined;
  /** Only rows after this one in the list. */
  beforeId?: string | undefined;
  /** Only these ids. */
  ids?: IdRange | undefined;
  limit: number;
}

/** Ids from `from` on and before `before`. */
export interface IdRange {
  from: string;
  before: string;
}

/** A page as SQL: ids from `lowest` on and before `highest`, with further conditions on the time. */
export interface Page {
  lowest: string;
  highest: string;
  conditions: string[];
  limit: number;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export function pageOf({ from, to, beforeId, ids, limit }: WantedPage, param: Param): Page {
  const around = idsAround({ since: from ?? new Date(0), until: to ?? new Date(0) });
  const [highest = LAST_ID] = [to && around.to, beforeId, ids?.before].filter((id) => id !== undefined).toSorted();
  const lowest =
    [from && around.from, ids?.from]
      .filter((id) => id !== undefined)
      .toSorted()
      .at(-1) ?? FIRST_ID;
  return {
    lowest: `${param(lowest)}::uuid`,
    highest: `${param(highest)}::uuid`,
    conditions: [from && `d.created_at >= ${param(from)}`, to && `d.created_at < ${param(to)}`].filter(
      (one) => one !== undefined,
    ),
    limit,
  };
}

/** Rows with these values in the first columns of an index whose next column is the id, and with these conditions. */
export interface Range {
  table: string;
  /** What to select of a row `d`. */
  select: string;
  columns: Record<string, string>;
  conditions: string[];
}

/** SQL: a page of a range, newest first. It reads about as many rows as it returns, whatever the size of the table,
 *  the account and the offset of the page.
 *
 *  The planner does not know the values (database.ts). If it expects an account to have many rows, it would scan
 *  those of all accounts; if few, it would sort all rows of the account. The comparison of row values leaves it only
 *  this index: no other has the order, the estimate does not depend on the account, and the page's edge limits the
 *  range. */
export function selectNewest({ table, select, columns, conditions }: Range, page: Page): string {
  const names = namesOf(columns);
  const edge = (id: string) => `(${[...Object.values(columns), id].join(', ')})`;
  const range = [`(${names.join(', ')}) >= ${edge(page.lowest)}`, `(${names.join(', ')}) < ${edge(page.highest)}`];
  return `SELECT ${select} FROM ${table} d WHERE ${[...range, ...page.conditions, ...conditions].join(' AND ')}
    ORDER BY ${orderOf({ columns })} LIMIT ${page.limit}`;
}

/** SQL: the order of a range. */
export const orderOf = ({ columns }: Pick<Range, 'columns'>): string =>
  namesOf(columns)
    .map((name) => `${name} DESC`)
    .join(', ');
const namesOf = (columns: Range['columns']): string[] => [...Object.keys(columns), 'id'].map((column) => `d.${column}`);

export interface WantedIds extends WantedPage {
  table: 'api_keys' | 'audit_entries' | 'replays' | 'subscriptions';
  /** The first columns, with values, of an index whose next column is the id. */
  of: Record<string, string>;
  /** Columns with allowed values, which use no index; undefined: any value. */
  filters?: Record<string, string[] | undefined>;
  /** Columns with arrays that have one of these values, or are empty. No index is used for them. */
  overlaps?: Record<string, string[] | undefined>;
  isNull?: string;
}

/** Returns the ids of a page of a list, newest first. */
export async function newestIds(
  pool: pg.Pool,
  { table, of, filters = {}, overlaps = {}, isNull, ...wanted }: WantedIds,
): Promise<string[]> {
  const values: unknown[] = [];
  const param: Param = (value) => `$${values.push(value)}`;
  const columns = Object.fromEntries(Object.entries(of).map(([column, value]) => [column, param(value)]));
  const conditions = Object.entries(filters).flatMap(([column, ones]) =>
    ones ? [`d.${column}::text = ANY (${param(ones)}::text[])`] : [],
  );
  for (const [column, ones] of Object.entries(overlaps)) {
    if (ones) conditions.push(`(d.${column} = '{}' OR d.${column}::text[] && ${param(ones)}::text[])`);
  }
  if (isNull) conditions.push(`d.${isNull} IS NULL`);
  const text = selectNewest({ table, select: 'd.id', columns, conditions }, pageOf(wanted, param));
  const { rows } = await pool.query<{ id: string }>(text, values);
  return rows.map(({ id }) => id);
}
