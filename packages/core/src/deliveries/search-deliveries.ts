import type pg from 'pg';
import { SEARCHED, type SearchedPage, searchPage } from '../search/search-page.js';
import { type DeliveriesWanted, type ListedDelivery, listDeliveries } from './list-deliveries.js';

/** Returns the deliveries of that list whose event contains the text in its payload, or whose id begins with it. Searches SEARCHED rows of the list. */
export async function searchDeliveries(
  pool: pg.Pool,
  { text, ...wanted }: DeliveriesWanted & { text: string },
): Promise<SearchedPage<ListedDelivery>> {
  const page = await listDeliveries(pool, { ...wanted, limit: SEARCHED });
  return searchPage(pool, page, {
    accountId: wanted.accountId,
    text,
    limit: wanted.limit,
    eventIdOf: ({ eventId }) => eventId,
    hasText: (row) => hasId(row, text),
  });
}

/** The text is an id of the delivery, as the Papercups routes show them. */
export const hasId = (row: { id: string; eventId: string; subscriptionId: string }, text: string): boolean =>
  [row.id, row.eventId, row.subscriptionId].includes(text.toLowerCase());
