import type { Replay } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../../api/account-path.js';
import { call, query } from '../../api/call.js';
import type { Page } from '../../api/page.js';
import { POLL_MS, SOON_MS } from '../../api/polling.js';

export const replaysQuery = (account: string, filters: { subscription?: string[]; cursor?: string | undefined }) =>
  queryOptions({
    queryKey: ['accounts', account, 'replays', 'list', filters],
    queryFn: ({ signal }) =>
      call<Page<Replay>>('GET', `${accountPath(account)}/replays${query({ ...filters })}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });

export const replayQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'replays', id],
    queryFn: ({ signal }) => call<Replay>('GET', `${accountPath(account)}/replays/${id}`, undefined, signal),
    refetchInterval: ({ state: { data } }) => (data?.status === 'running' ? SOON_MS : false),
  });
