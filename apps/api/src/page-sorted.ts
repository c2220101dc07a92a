import type { ListedBySuccess, SuccessPlace, WaitingPlace } from '@posthorn/core';
import { afterSuccess, afterWaiting, toPage } from './cursor.js';

const LISTS = {
  accounts: { waiting: 'accountsByWaiting', success: 'accountsBySuccess' },
  subscriptions: { waiting: 'subscriptionsByWaiting', success: 'subscriptionsBySuccess' },
} as const;

interface Wanted {
  of: keyof typeof LISTS;
  sort: 'waiting' | 'success';
  cursor: string | undefined;
  limit: number;
  /** Whether a text can be the id of a row. */
  isId: (id: string) => boolean;
  /** Lists up to `limit` + 1 rows after a row. */
  waiting: (after: WaitingPlace | null) => Promise<WaitingPlace[]>;
  success: (after: SuccessPlace | null) => Promise<ListedBySuccess>;
}

/** A page of a list in another order than newest first. */
interface SortedPage {
  ids: string[];
  /** The other fields of the page. */
  rest: { nextCursor: string | null; sortedNewest?: number };
}

export async function pageSorted({ of, sort, cursor, limit, isId, waiting, success }: Wanted): Promise<SortedPage> {
  const list = LISTS[of][sort];
  switch (sort) {
    case 'waiting': {
      const places = await waiting(afterWaiting(list, { cursor, isId }));
      const keyOf = ({ oldestId, id }: WaitingPlace) => [oldestId ?? '', id];
      const { data: ids, ...rest } = toPage(places, { limit, list, keyOf, itemOf: ({ id }) => id });
      return { ids, rest };
    }
    case 'success': {
      const { places, sortedNewest } = await success(afterSuccess(list, { cursor, isId }));
      const keyOf = ({ rate, id }: SuccessPlace) => [rate === null ? '' : String(rate), id];
      const { data: ids, ...rest } = toPage(places, { limit, list, keyOf, itemOf: ({ id }) => id });
      return { ids, rest: { ...rest, ...(sortedNewest !== null && { sortedNewest }) } };
    }
    default:
      return sort satisfies never;
  }
}

/** The rows with these ids, in the order of the ids. A row may have been deleted since it was found. */
export function inOrder<Row extends { id: string }>(ids: string[], rows: Row[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
