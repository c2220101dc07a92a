import type { Account } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, query } from '../api/call.js';
import type { SortedPage } from '../api/page.js';
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
