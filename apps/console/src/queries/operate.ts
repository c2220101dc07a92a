import type { Attention, AuditEntry, ExportFormat, QueueDepths, Queues, Settings } from '@posthorn/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, query } from '../api/call.js';
import type { Page } from '../api/page.js';
import { POLL_MS } from '../api/polling.js';

export const queuesQuery = queryOptions({
  queryKey: ['queues'],
  queryFn: ({ signal }) => call<Queues>('GET', '/v1/queues', undefined, signal),
  refetchInterval: POLL_MS,
});

export const queueDepthsQuery = (range: { from: string | undefined; to: string | undefined }) =>
  queryOptions({
    queryKey: ['queues', 'depths', range],
    queryFn: ({ signal }) => call<QueueDepths>('GET', `/v1/queues/depths${query(range)}`, undefined, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 12 * POLL_MS, // the API looks once a minute
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

/** Downloads these entries. Operators see the audit log only in the console itself, never in a frame, so their cookie suffices. */
export const auditExportUrl = (filters: Omit<AuditFilters, 'cursor'> & { format: ExportFormat }): string =>
  new URL(`./v1/audit/export${query(filters)}`, document.baseURI).href;
