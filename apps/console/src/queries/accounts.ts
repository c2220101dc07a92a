import type { Account } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, query } from '../api/call.js';
import type { Page, SortedPage } from '../api/page.js';
import { orderQuery, type Sorted } from '../components/sort.js';

interface AccountFilters extends Sorted {
  cursor?: string | undefined;
}

export const accountsQuery = ({ q, cursor, sort }: AccountFilters) =>
  queryOptions({
    queryKey: ['accounts', 'list', q, cursor, orderQuery({ q, sort })],
    queryFn: ({ signal }) =>
      call<SortedPage<Account>>(
        'GET',
        `/v1/accounts${query({ q, cursor, stats: '24h', ...orderQuery({ q, sort }) })}`,
        undefined,
        signal,
      ),
    placeholderData: keepPreviousData,
  });

/** Maximum number of accounts that a search suggests. */
const MOST_SUGGESTED = 6;

/** The accounts whose id or name begins with the text. */
export const accountSearchQuery = (q: string) =>
  queryOptions({
    queryKey: ['search', 'accounts', q],
    queryFn: ({ signal }) =>
      call<Page<Account>>('GET', `/v1/accounts${query({ q, limit: MOST_SUGGESTED })}`, undefined, signal),
  });
