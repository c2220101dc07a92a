import type { Event, EventDetail } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../../api/account-path.js';
import { call, query } from '../../api/call.js';
import type { Page } from '../../api/page.js';
import { POLL_MS } from '../../api/polling.js';

export interface EventFilters {
  q?: string | undefined;
  event?: string[] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export const eventsQuery = (account: string, filters: EventFilters) =>
  queryOptions({
    queryKey: ['accounts', account, 'events', 'list', filters],
    queryFn: ({ signal }) =>
      call<Page<Event>>('GET', `${accountPath(account)}/events${query({ ...filters })}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });

export const eventQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'events', id],
    queryFn: ({ signal }) => call<EventDetail>('GET', `${accountPath(account)}/events/${id}`, undefined, signal),
    refetchInterval: POLL_MS,
  });
