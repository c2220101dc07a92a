import { findInPayloads, type Queryable } from './find-in-payloads.js';

/** Maximum number of rows that a page searches for a text in payloads. */
export const SEARCHED = 500;
const AT_ONCE = 100;

export interface SearchedPage<Row> {
  /** In the order of the page. */
  rows: Row[];
  /** The last id that was read, if the search stopped before `limit` rows or the end. The next page starts after it. */
  searchedTo: string | null;
}

export interface Searching<Row> {
  accountId: string;
  text: string;
  limit: number;
  eventIdOf: (row: Row) => string;
  /** Matches by its id, so its payload is not searched. */
  hasText?: (row: Row) => boolean;
}

/** Returns the rows of a page whose payload contains the text, at most `limit`. Pass a page of SEARCHED rows. */
export async function searchPage<Row extends { id: string }>(
  client: Queryable,
  page: SearchedPage<Row>,
  { accountId, text, limit, eventIdOf, hasText = () => false }: Searching<Row>,
): Promise<SearchedPage<Row>> {
  const kept: Row[] = [];
  for (let at = 0; at < page.rows.length; at += AT_ONCE) {
    const some = page.rows.slice(at, at + AT_ONCE);
    const eventIds = [...new Set(some.map(eventIdOf))];
    const { found, searched } = await findInPayloads(client, { accountId, eventIds, text });
    const seen = new Set(eventIds.slice(0, searched));
    const end = some.findIndex((row) => !seen.has(eventIdOf(row)));
    const scanned = end === -1 ? some : some.slice(0, end);
    kept.push(...scanned.filter((row) => found.has(eventIdOf(row)) || hasText(row)));
    if (kept.length >= limit) return { rows: kept.slice(0, limit), searchedTo: null };
    if (end !== -1) return { rows: kept, searchedTo: scanned.at(-1)?.id ?? null };
  }
  const isCut = page.rows.length >= SEARCHED;
  return { rows: kept, searchedTo: page.searchedTo ?? (isCut ? (page.rows.at(-1)?.id ?? null) : null) };
}
