import type { Delivery, DeliveryDetail, ListCount, WaitingDeliveries } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../api/account-path.js';
import { call, query } from '../api/call.js';
import { allOf, type Page } from '../api/page.js';
import { POLL_MS, SOON_MS } from '../api/polling.js';

export interface DeliveryFilters {
  q?: string | undefined;
  subscription?: string[] | undefined;
  event?: string | undefined;
  replay?: string | undefined;
  eventType?: string[] | undefined;
  status?: string[] | undefined;
  outcome?: string[] | undefined;
  statusCode?: string[] | undefined;
  trigger?: string[] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export const deliveriesQuery = (account: string, filters: DeliveryFilters) =>
  queryOptions({
    queryKey: ['accounts', account, 'deliveries', 'list', filters],
    queryFn: ({ signal }) =>
      call<Page<Delivery>>('GET', `${accountPath(account)}/deliveries${query({ ...filters })}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });

/** The deliveries of an event for some webhooks, at most one for each. */
export const readDeliveriesTo = async (account: string, event: string, subscription: string[]): Promise<Delivery[]> => {
  const filters = query({ event, subscription }).replace('?', '&');
  const { data } = await allOf((paging) =>
    call<Page<Delivery>>('GET', `${accountPath(account)}/deliveries${paging}${filters}`),
  );
  return data;
};

/** The number of deliveries on all pages of that list. */
export const countDeliveries = (account: string, filters: Omit<DeliveryFilters, 'cursor' | 'limit'>) =>
  call<ListCount>('GET', `${accountPath(account)}/deliveries/count${query(filters)}`);

/** The same number, read again while the page is open. */
export const deliveryCountQuery = (account: string, filters: Omit<DeliveryFilters, 'cursor' | 'limit'>) =>
  queryOptions({
    queryKey: ['accounts', account, 'deliveries', 'count', filters],
    queryFn: () => countDeliveries(account, filters),
    refetchInterval: POLL_MS,
  });

export const deliveryQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'deliveries', id],
    queryFn: ({ signal }) => call<DeliveryDetail>('GET', `${accountPath(account)}/deliveries/${id}`, undefined, signal),
    refetchInterval: ({ state: { data } }) => (data?.status === 'pending' ? SOON_MS : POLL_MS),
  });

/** The deliveries that wait for an attempt, of an account or of one of its webhooks. */
export const waitingQuery = (account: string, subscription?: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'deliveries', 'waiting', subscription],
    queryFn: ({ signal }) =>
      call<WaitingDeliveries>('GET', `${accountPath(account)}/waiting${query({ subscription })}`, undefined, signal),
    refetchInterval: POLL_MS,
  });
