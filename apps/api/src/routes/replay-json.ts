import { REPLAYABLE_STATUSES, type Replay, type ReplayPreview, toTypeId } from '@posthorn/contract';
import type { Replay as Row, ReplayFilter } from '@posthorn/core';

type FilterJson = Omit<ReplayPreview, 'id' | 'status' | 'matched' | 'more' | 'subscriptionCount' | 'accountCount'>;

export const filterJson = (row: ReplayFilter & { accountId: string | null }): FilterJson => ({
  accountId: row.accountId,
  which: row.which,
  accounts: orNull(row.accountIds),
  subscriptions: orNull(row.subscriptionIds.map((id) => toTypeId('sub', id))),
  eventTypes: orNull(row.eventTypes),
  event: row.eventId && toTypeId('evt', row.eventId),
  statuses: orNull(REPLAYABLE_STATUSES.filter((one) => row.statuses.includes(one))),
  outcomes: orNull(row.outcomes),
  statusCodes: orNull(row.statusCodes),
  triggers: orNull(row.triggers),
  replay: row.ofReplayId && toTypeId('rpl', row.ofReplayId),
  q: row.q,
  since: row.since.toISOString(),
  until: row.until.toISOString(),
});

export const replayJson = (row: Row): Replay => ({
  id: toTypeId('rpl', row.id),
  ...filterJson(row),
  status: row.status,
  matched: row.matched,
  more: row.hasMore,
  queued: row.queued,
  delivered: row.delivered,
  failed: row.failed,
  pending: row.pending,
  createdAt: row.createdAt.toISOString(),
  endedAt: row.endedAt?.toISOString() ?? null,
});

const orNull = <T>(items: T[]): T[] | null => (items.length === 0 ? null : items);
