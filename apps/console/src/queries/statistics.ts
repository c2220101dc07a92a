import type { Stats } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../api/account-path.js';
import { call, query } from '../api/call.js';
import { POLL_MS } from '../api/polling.js';

/** The statistics of an account or of one of its subscriptions. null: of all accounts. */
export const statsQuery = (
  account: string | null,
  filters: { subscription?: string; from?: string | undefined; to?: string | undefined },
) =>
  queryOptions({
    queryKey: ['stats', account, filters],
    queryFn: ({ signal }) =>
      call<Stats>(
        'GET',
        `${account === null ? '/v1' : accountPath(account)}/stats${query(filters)}`,
        undefined,
        signal,
      ),
    placeholderData: keepPreviousData,
    refetchInterval: 2 * POLL_MS,
  });
