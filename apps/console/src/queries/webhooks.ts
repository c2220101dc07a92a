import type { Secrets, Subscription } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../api/account-path.js';
import { call, query } from '../api/call.js';
import { allOf, type Page, type SortedPage } from '../api/page.js';
import { POLL_MS, SOON_MS } from '../api/polling.js';
import { orderQuery, type Sorted } from '../components/sort.js';

interface SubscriptionFilters extends Sorted {
  status?: string | undefined;
  cursor?: string | undefined;
}

export const subscriptionsQuery = (account: string, { q, status, cursor, sort }: SubscriptionFilters) =>
  queryOptions({
    queryKey: ['accounts', account, 'subscriptions', 'list', q, status, cursor, orderQuery({ q, sort })],
    queryFn: ({ signal }) =>
      call<SortedPage<Subscription>>(
        'GET',
        `${accountPath(account)}/subscriptions${query({ q, status, cursor, stats: '24h', ...orderQuery({ q, sort }) })}`,
        undefined,
        signal,
      ),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });

export const allSubscriptionsQuery = (account: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'subscriptions', 'all'],
    queryFn: ({ signal }) =>
      allOf((paging) =>
        call<Page<Subscription>>('GET', `${accountPath(account)}/subscriptions${paging}`, undefined, signal),
      ),
  });

export const subscriptionQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'subscriptions', id],
    queryFn: ({ signal }) =>
      call<Subscription>('GET', `${accountPath(account)}/subscriptions/${id}`, undefined, signal),
    refetchInterval: ({ state: { data } }) => (data?.verification.status === 'pending' ? SOON_MS : POLL_MS),
  });

export const secretsQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'subscriptions', id, 'secret'],
    queryFn: ({ signal }) =>
      call<Secrets>('GET', `${accountPath(account)}/subscriptions/${id}/secret`, undefined, signal),
    gcTime: 0,
    enabled: false, // fetched on request
  });
