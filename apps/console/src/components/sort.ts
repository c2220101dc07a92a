import type { WaitingOfRow } from '@posthorn/contract';

export const SORTS = { success: 'Lowest success rate first', waiting: 'Longest waiting first' } as const;
export type Sort = keyof typeof SORTS;

/** How many rows of a search are sorted here: the largest page that the API returns. The API sorts a search by the matching text. */
const SORTED_ROWS = 100;

/** The part of an address that orders a list. */
export interface Sorted {
  q?: string | undefined;
  sort?: Sort | undefined;
}

/** The rows are in the order of a search, so they are sorted here. */
const isSortedHere = ({ q, sort }: Sorted): boolean => sort !== undefined && q !== undefined;

/** The parameters of the API for a list in this order. */
export const orderQuery = (of: Sorted): { sort?: Sort; limit?: number } =>
  isSortedHere(of) ? { limit: SORTED_ROWS } : of.sort ? { sort: of.sort } : {};

/** Which rows a page is sorted among, if there are others: `the newest 5,000 webhooks`. null: all. */
export function sortedAmong(
  of: Sorted,
  { nextCursor, sortedNewest }: { nextCursor: string | null; sortedNewest?: number | undefined },
  what: string,
): string | null {
  if (isSortedHere(of)) return nextCursor === null ? null : `the first ${SORTED_ROWS} ${what} that match`;
  return sortedNewest === undefined ? null : `the newest ${sortedNewest.toLocaleString('en')} ${what}`;
}

/** The order of a list in words, after a comma. */
export const orderName = ({ q, sort }: Sorted): string =>
  sort ? SORTS[sort].toLowerCase() : q === undefined ? 'newest first' : 'by the matching text';

interface Sortable {
  stats?: { successRate: number | null; waiting: WaitingOfRow } | undefined;
}

/** Rows without attempts, or without waiting deliveries, come last. Equal rows keep their order. */
export function sortRows<Row extends Sortable>(rows: readonly Row[], of: Sorted): readonly Row[] {
  if (!isSortedHere(of)) return rows;
  const { sort } = of;
  switch (sort) {
    case 'success':
      return rows.toSorted((a, b) => (a.stats?.successRate ?? 2) - (b.stats?.successRate ?? 2));
    case 'waiting':
      return rows.toSorted((a, b) => since(a) - since(b));
    case undefined:
      return rows;
    default:
      return sort satisfies never;
  }
}

const since = ({ stats }: Sortable): number => Date.parse(stats?.waiting.oldestCreatedAt ?? '9999-12-31T00:00:00Z');
