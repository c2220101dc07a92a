import type pg from 'pg';
import { findInPayloads } from './find-in-payloads.js';

/** How many rows a page looks at most to find those whose payload has a text. */
export const SEARCHED = 500;
const AT_ONCE = 100;

export interface SearchedPage<Row> {
  /** Newest first. */
  rows: Row[];
  /** Set when the search stopped before it had `limit` rows or reached the end: the last id that it has read. The next page goes on
   *  behind it. */
  searchedTo: string | null;
}

export interface Searching<Row> {
  accountId: string;
  text: string;
  limit: number;
  eventIdOf: (row: Row) => string;
  /** Fits without its payload. */
  hasText?: (row: Row) => boolean;
}

/** Keeps the rows of a page whose payload has the text: at most `limit`. The page should have SEARCHED rows, if there are so many. */
export async function searchPage<Row extends { id: string }>(
  pool: pg.Pool,
  page: SearchedPage<Row>,
  { accountId, text, limit, eventIdOf, hasText = () => false }: Searching<Row>,
): Promise<SearchedPage<Row>> {
  const kept: Row[] = [];
  for (let at = 0; at < page.rows.length; at += AT_ONCE) {
    const some = page.rows.slice(at, at + AT_ONCE);
    const eventIds = [...new Set(some.map(eventIdOf))];
    const { found, lookedAt } = await findInPayloads(pool, { accountId, eventIds, text });
    const seen = new Set(eventIds.slice(0, lookedAt));
    const end = some.findIndex((row) => !seen.has(eventIdOf(row)));
    const looked = end === -1 ? some : some.slice(0, end);
    kept.push(...looked.filter((row) => found.has(eventIdOf(row)) || hasText(row)));
    if (kept.length >= limit) return { rows: kept.slice(0, limit), searchedTo: null };
    if (end !== -1) return { rows: kept, searchedTo: looked.at(-1)?.id ?? null };
  }
  const isCut = page.rows.length >= SEARCHED;
  return { rows: kept, searchedTo: page.searchedTo ?? (isCut ? (page.rows.at(-1)?.id ?? null) : null) };
}
