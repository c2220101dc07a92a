import type { Replay, ReplayAccount } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../api/account-path.js';
import { call, query } from '../api/call.js';
import type { Page } from '../api/page.js';
import { POLL_MS, SOON_MS } from '../api/polling.js';

/** The common start of the query keys of an account's replays. null: the replays of all accounts. */
export const replaysKey = (account: string | null) =>
  account === null ? ['replays'] : ['accounts', account, 'replays'];

/** The API path of an account's replays. null: the replays of all accounts. */
export const replaysPath = (account: string | null): string =>
  account === null ? '/v1/replays' : `${accountPath(account)}/replays`;

export const replaysQuery = (account: string | null, filters: { cursor?: string | undefined }) =>
  queryOptions({
    queryKey: [...replaysKey(account), 'list', filters],
    queryFn: ({ signal }) =>
      call<Page<Replay>>('GET', `${replaysPath(account)}${query({ ...filters })}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });

/** The progress of a replay by account, for operators. */
export const replayAccountsQuery = (
  id: string,
  { isRunning, cursor }: { isRunning: boolean; cursor?: string | undefined },
) =>
  queryOptions({
    // The key changes when the replay ends, so that the final counts are fetched.
    queryKey: ['replays', id, 'accounts', { cursor, isRunning }],
    queryFn: ({ signal }) =>
      call<Page<ReplayAccount>>('GET', `/v1/replays/${id}/accounts${query({ cursor })}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: isRunning ? SOON_MS : false,
  });

export const replayQuery = (account: string | null, id: string) =>
  queryOptions({
    queryKey: [...replaysKey(account), id],
    queryFn: ({ signal }) => call<Replay>('GET', `${replaysPath(account)}/${id}`, undefined, signal),
    refetchInterval: ({ state: { data } }) =>
      data === undefined || data.pending > 0 || data.endedAt === null ? SOON_MS : false,
  });
