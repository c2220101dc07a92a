import type { Account } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, query } from '../../api/call.js';
import type { Page } from '../../api/page.js';
import { type Sort, SORTED_ROWS } from '../../components/sort.js';

interface AccountFilters {
  q?: string | undefined;
  cursor?: string | undefined;
  sort?: Sort | undefined;
}

export const accountsQuery = ({ q, cursor, sort }: AccountFilters) =>
  queryOptions({
    queryKey: ['accounts', 'list', q, cursor, sort && SORTED_ROWS],
    queryFn: ({ signal }) =>
      call<Page<Account>>(
        'GET',
        `/v1/accounts${query({ q, cursor, stats: '24h', ...(sort && { limit: SORTED_ROWS }) })}`,
        undefined,
        signal,
      ),
    placeholderData: keepPreviousData,
  });
