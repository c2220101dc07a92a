import type { Key } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../api/account-path.js';
import { call, query } from '../api/call.js';
import type { Page } from '../api/page.js';

export const keysQuery = (account: string, cursor?: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'keys', cursor],
    queryFn: ({ signal }) =>
      call<Page<Key>>('GET', `${accountPath(account)}/keys${query({ cursor })}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
