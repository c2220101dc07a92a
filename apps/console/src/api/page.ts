import { query } from './call.js';

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
  /** Set if the search ended before the page was full: the time back to which it has read. */
  searchedBackTo?: string | null;
}

/** A page of a list that can be in another order. */
export interface SortedPage<T> extends Page<T> {
  /** Set if there are more rows than were sorted. */
  sortedNewest?: number;
}

/** Reads all pages of a list, for choosing from it. */
export async function allOf<T>(readPage: (paging: string) => Promise<Page<T>>): Promise<{ data: T[] }> {
  const data: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await readPage(query({ limit: 100, cursor }));
    data.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { data };
}
