import type pg from 'pg';
import { orderOf, pageOf, type Param, selectNewest, type WantedPage } from '../newest-first.js';
import { SEARCHED, type SearchedPage, searchPage } from '../search/search-page.js';

export interface EventsWanted extends WantedPage {
  accountId: string;
  /** Any of these. */
  types?: string[] | undefined;
  /** In its payload, or its id. */
  text?: string | undefined;
}

/** Maximum number of events that a page reads to find those of a type. */
const SCAN_LIMIT = 1_000;

/** Returns the ids of events of an account, newest first. No index contains types or payloads, so a page reads at most SCAN_LIMIT events to
 *  filter by type, and SEARCHED to search payloads. */
export async function listEvents(
  pool: pg.Pool,
  { text, ...wanted }: EventsWanted,
): Promise<SearchedPage<{ id: string }>> {
  if (text === undefined) return listOfTypes(pool, wanted);
  const { accountId, limit } = wanted;
  const page = await listOfTypes(pool, { ...wanted, limit: SEARCHED });
  const hasText = ({ id }: { id: string }): boolean => id === text.toLowerCase();
  return searchPage(pool, page, { accountId, text, limit, eventIdOf: ({ id }) => id, hasText });
}

async function listOfTypes(
  pool: pg.Pool,
  { accountId, types, ...wanted }: Omit<EventsWanted, 'text'>,
): Promise<SearchedPage<{ id: string }>> {
  const values: unknown[] = [];
  const param: Param = (value) => `$${values.push(value)}`;
  const page = pageOf(wanted, param);
  const range = { table: 'events', columns: { account_id: param(accountId) }, conditions: [] };
  if (!types) {
    const { rows } = await pool.query<{ id: string }>(selectNewest({ ...range, select: 'd.id' }, page), values);
    return { rows, searchedTo: null };
  }
  const edge = selectNewest({ ...range, select: 'd.id' }, { ...page, limit: 1 });
  const scanned = selectNewest({ ...range, select: 'd.account_id, d.id, d.type' }, { ...page, limit: SCAN_LIMIT });
  // In the order of the index, so that reading stops when the page is full.
  const { rows } = await pool.query<{ id: string | null; searchedTo: string | null }>(
    `WITH page AS MATERIALIZED (
       SELECT d.id FROM (${scanned}) d WHERE d.type = ANY (${param(types)}::text[]) ORDER BY ${orderOf(range)} LIMIT ${page.limit}
     ),
     edge AS (
       SELECT id FROM (${edge} OFFSET ${SCAN_LIMIT - 1}) e WHERE (SELECT count(*) FROM page) < ${page.limit}
     )
     SELECT page.id, edge.id AS "searchedTo" FROM (VALUES (1)) one LEFT JOIN edge ON true LEFT JOIN page ON true ORDER BY page.id DESC`,
    values,
  );
  return {
    rows: rows.flatMap(({ id }) => (id === null ? [] : [{ id }])),
    searchedTo: rows[0]?.searchedTo ?? null,
  };
}
