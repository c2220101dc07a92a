import type { Account } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, query } from '../../api/call.js';
import type { Page } from '../../api/page.js';

export const accountsQuery = ({ q, cursor }: { q?: string | undefined; cursor?: string | undefined }) =>
  queryOptions({
    queryKey: ['accounts', 'list', q, cursor],
    queryFn: ({ signal }) =>
      call<Page<Account>>('GET', `/v1/accounts${query({ q, cursor, stats: '24h' })}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
