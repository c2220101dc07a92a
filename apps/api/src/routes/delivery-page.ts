import type { DeliveryFilter } from '@posthorn/contract';
import {
  type Database,
  type DeliveryFilter as Filter,
  type IdRange,
  type ListedDeliveries,
  listDeliveries,
  searchDeliveries,
  searchOf,
} from '@posthorn/core';
import { filterOf } from './delivery-filter.js';

/** Selects deliveries of an account. */
export interface Wanted extends Filter {
  accountId: string;
  ids?: IdRange | undefined;
  eventIds?: IdRange | undefined;
  text?: string | undefined;
}

export function wantedOf(accountId: string, { q, ...filter }: DeliveryFilter & { q?: string | undefined }): Wanted {
  const { deliveryIds, eventIds, text } = searchOf(q);
  return { accountId, ...filterOf(filter), ids: deliveryIds, eventIds, text };
}

/** Returns a page of them, newest first. Reads a bounded number of rows, however few match. */
export const readPage = (
  { pool }: Pick<Database, 'pool'>,
  { text, ...wanted }: Wanted & { beforeId?: string | undefined; limit: number },
): Promise<ListedDeliveries> =>
  text === undefined ? listDeliveries(pool, wanted) : searchDeliveries(pool, { ...wanted, text });
