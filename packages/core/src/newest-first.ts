import type pg from 'pg';
import { idsAround } from './replays/replay.js';

/** Places a value beside the text of a statement; returns what stands for it there. */
export type Param = (value: unknown) => string;

export interface WantedPage {
  /** Created from then on, and before then. */
  from?: Date | undefined;
  to?: Date | undefined;
  /** Only what comes after this one in the list. */
  beforeId?: string | undefined;
  limit: number;
}

/** A page as SQL: the ids from `lowest` on and before `highest`, and what else is asked of its time. */
export interface Page {
  lowest: string;
  highest: string;
  conditions: string[];
  limit: number;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export function pageOf({ from, to, beforeId, limit }: WantedPage, param: Param): Page {
  const around = idsAround({ since: from ?? new Date(0), until: to ?? new Date(0) });
  const [highest = LAST_ID] = [to && around.to, beforeId].filter((id) => id !== undefined).toSorted();
  return {
    lowest: `${param(from ? around.from : FIRST_ID)}::uuid`,
    highest: `${param(highest)}::uuid`,
    conditions: [from && `d.created_at >= ${param(from)}`, to && `d.created_at < ${param(to)}`].filter(
      (one) => one !== undefined,
    ),
    limit,
  };
}

/** Rows that have these values in the first columns of an index whose next column is the id, and meet the conditions. */
export interface Range {
  table: string;
  /** What to select of a row `d`. */
  select: string;
  columns: Record<string, string>;
  conditions: string[];
}

/** A page of a range, newest first. It reads about as many rows as it returns, however many there are, whoever owns them, and however
 *  deep the page lies.
 *
 *  Postgres plans without knowing the values (database.ts). If it expects an account to have a large share of all rows, it goes
 *  through those of all; if it expects few, it sorts all that the account has. Compared as rows, the columns leave it no choice: only
 *  this index has the order, its estimate does not depend on the account, and the page's edge is an edge of the range. */
export function selectNewest({ table, select, columns, conditions }: Range, page: Page): string {
  const names = namesOf(columns);
  const edge = (id: string) => `(${[...Object.values(columns), id].join(', ')})`;
  const range = [`(${names.join(', ')}) >= ${edge(page.lowest)}`, `(${names.join(', ')}) < ${edge(page.highest)}`];
  return `SELECT ${select} FROM ${table} d WHERE ${[...range, ...page.conditions, ...conditions].join(' AND ')}
    ORDER BY ${orderOf({ columns })} LIMIT ${page.limit}`;
}

/** The order of a range. */
export const orderOf = ({ columns }: Pick<Range, 'columns'>): string =>
  namesOf(columns)
    .map((name) => `${name} DESC`)
    .join(', ');
const namesOf = (columns: Range['columns']): string[] => [...Object.keys(columns), 'id'].map((column) => `d.${column}`);

export interface WantedIds extends WantedPage {
  table: 'api_keys' | 'audit_entries' | 'events' | 'replays' | 'subscriptions';
  /** The first columns of an index whose next column is the id, and their values. */
  of: Record<string, string>;
  /** Columns that have one of these values; undefined: any. No index is used for them. */
  filters?: Record<string, string[] | undefined>;
  isNull?: string;
}

/** The ids of a page of a list, newest first. */
export async function newestIds(
  pool: pg.Pool,
  { table, of, filters = {}, isNull, ...wanted }: WantedIds,
): Promise<string[]> {
  const values: unknown[] = [];
  const param: Param = (value) => `$${values.push(value)}`;
  const columns = Object.fromEntries(Object.entries(of).map(([column, value]) => [column, param(value)]));
  const conditions = Object.entries(filters).flatMap(([column, ones]) =>
    ones ? [`d.${column}::text = ANY (${param(ones)}::text[])`] : [],
  );
  if (isNull) conditions.push(`d.${isNull} IS NULL`);
  const text = selectNewest({ table, select: 'd.id', columns, conditions }, pageOf(wanted, param));
  const { rows } = await pool.query<{ id: string }>(text, values);
  return rows.map(({ id }) => id);
}
