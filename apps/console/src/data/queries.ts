import type {
  Account,
  Attention,
  AuditEntry,
  Delivery,
  DeliveryDetail,
  Event,
  EventDetail,
  EventType,
  Key,
  ListCount,
  Queues,
  Replay,
  Secrets,
  Session,
  Settings,
  Stats,
  Subscription,
} from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, query } from './call.js';
import { openPortal } from './portal.js';

// The keys mirror the paths, so that what an act has changed is refetched by a prefix of it.

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
  /** Set when the search ended before the page was full: the time back to which it has read. */
  searchedBackTo?: string | null;
}

/** Between two looks, while the tab is visible. */
const POLL_MS = 5_000;
/** While one's own act is under way. */
const SOON_MS = 1_000;

export const accountPath = (account: string): string => `/v1/accounts/${encodeURIComponent(account)}`;

/** Who is signed in. In a portal, its link is opened first. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    await openPortal();
    return call<Session>('GET', '/v1/session', undefined, signal);
  },
  retry: false,
  staleTime: Number.POSITIVE_INFINITY,
});

export const accountsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['accounts', 'list', cursor],
    queryFn: ({ signal }) =>
      call<Page<Account>>('GET', `/v1/accounts${query({ cursor, stats: '24h' })}`, undefined, signal),
    placeholderData: keepPreviousData,
  });

export const subscriptionsQuery = (account: string, cursor?: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'subscriptions', 'list', cursor],
    queryFn: ({ signal }) =>
      call<Page<Subscription>>(
        'GET',
        `${accountPath(account)}/subscriptions${query({ cursor, stats: '24h' })}`,
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
    enabled: false, // only when it is asked for
  });

export interface DeliveryFilters {
  subscription?: string[] | undefined;
  event?: string | undefined;
  eventType?: string[] | undefined;
  status?: string[] | undefined;
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

/** How many that list has in all. */
export const countDeliveries = (account: string, filters: Omit<DeliveryFilters, 'cursor' | 'limit'>) =>
  call<ListCount>('GET', `${accountPath(account)}/deliveries/count${query(filters)}`);

export const deliveryQuery = (account: string, id: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'deliveries', id],
    queryFn: ({ signal }) => call<DeliveryDetail>('GET', `${accountPath(account)}/deliveries/${id}`, undefined, signal),
    refetchInterval: ({ state: { data } }) => (data?.status === 'pending' ? SOON_MS : POLL_MS),
  });

export interface EventFilters {
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

export const replaysQuery = (account: string, filters: { subscription?: string[]; cursor?: string }) =>
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

/** All rows of a list, page after page: for one that is chosen from. */
async function allOf<T>(readPage: (paging: string) => Promise<Page<T>>): Promise<{ data: T[] }> {
  const data: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await readPage(query({ limit: 100, cursor }));
    data.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { data };
}

/** The whole catalogue. */
export const eventTypesQuery = queryOptions({
  queryKey: ['event-types'],
  queryFn: ({ signal }) =>
    allOf((paging) => call<Page<EventType>>('GET', `/v1/event-types${paging}`, undefined, signal)),
  staleTime: 60_000,
});

export const keysQuery = (account: string, cursor?: string) =>
  queryOptions({
    queryKey: ['accounts', account, 'keys', cursor],
    queryFn: ({ signal }) =>
      call<Page<Key>>('GET', `${accountPath(account)}/keys${query({ cursor })}`, undefined, signal),
    placeholderData: keepPreviousData,
  });

/** Of an account, or of one of its subscriptions; null: of all accounts. */
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

export const queuesQuery = queryOptions({
  queryKey: ['queues'],
  queryFn: ({ signal }) => call<Queues>('GET', '/v1/queues', undefined, signal),
  refetchInterval: POLL_MS,
});

export const attentionQuery = ({ cursor, limit }: { cursor?: string | undefined; limit: number }) =>
  queryOptions({
    queryKey: ['attention', cursor, limit],
    queryFn: ({ signal }) =>
      call<Page<Attention>>('GET', `/v1/attention${query({ cursor, limit })}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => call<Settings>('GET', '/v1/settings', undefined, signal),
  refetchInterval: 2 * POLL_MS,
});

export interface AuditFilters {
  account?: string | undefined;
  action?: string | undefined;
  actor?: string | undefined;
  actorId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  cursor?: string | undefined;
}

export const auditQuery = (filters: AuditFilters) =>
  queryOptions({
    queryKey: ['audit', filters],
    queryFn: ({ signal }) => call<Page<AuditEntry>>('GET', `/v1/audit${query({ ...filters })}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
