import type { EventType } from '@posthorn/contract';
import { queryOptions } from '@tanstack/react-query';
import { call } from '../api/call.js';
import { allOf, type Page } from '../api/page.js';

export const eventTypesQuery = queryOptions({
  queryKey: ['event-types'],
  queryFn: ({ signal }) =>
    allOf((paging) => call<Page<EventType>>('GET', `/v1/event-types${paging}`, undefined, signal)),
  staleTime: 60_000,
});
