import type { Event, EventDetail } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { accountPath } from '../api/account-path.js';
import { call, callForText, query } from '../api/call.js';
import type { Page } from '../api/page.js';
import { memberSource } from '../api/json-source.js';
import { POLL_MS } from '../api/polling.js';

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

/** An event with its payload as text, since parsing would change it. */
export type EventWithSource = Omit<EventDetail, 'payload'> & { payload: string | null };

export const eventQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'events', id],
    async queryFn({ signal }): Promise<EventWithSource> {
      const text = await callForText('GET', `${accountPath(account)}/events/${id}`, undefined, signal);
      const payload = memberSource(text, 'payload') ?? 'null';
      return { ...(JSON.parse(text) as EventDetail), payload: payload === 'null' ? null : payload };
    },
    refetchInterval: POLL_MS,
  });

/** The body of an event's requests, as it is sent. */
export const requestBody = ({ event, payload }: Pick<EventWithSource, 'event' | 'payload'>): string =>
  `{"event":${JSON.stringify(event)},"payload":${payload}}`;
