import type { WaitingOfRow } from '@posthorn/contract';

export const SORTS = { success: 'Lowest success rate first', waiting: 'Longest waiting first' } as const;
export type Sort = keyof typeof SORTS;

/** How many rows are sorted: the largest page that the API returns. The newest (or the first matches of a search) are read and sorted
 *  here, because an order over all rows would need the numbers of every row for each page: a day of statistics and the waiting
 *  deliveries of each account or webhook. A page reads them for its own rows only. */
export const SORTED_ROWS = 100;

/** The part of an address that orders a list. */
export interface Sorted {
  q?: string | undefined;
  sort?: Sort | undefined;
}

/** The order of a list in words, after a comma. */
export const orderName = ({ q, sort }: Sorted): string =>
  sort ? SORTS[sort].toLowerCase() : q === undefined ? 'newest first' : 'by the matching text';

interface Sortable {
  stats?: { successRate: number | null; waiting: WaitingOfRow } | undefined;
}

/** Rows without attempts, or without waiting deliveries, come last. Equal rows keep their order. */
export function sortRows<Row extends Sortable>(rows: readonly Row[], sort: Sort | undefined): readonly Row[] {
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
