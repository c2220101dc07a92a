import type { EventQuery } from '@posthorn/contract';
import {
  countDeliveries,
  type Database,
  type DeliveryCounts,
  type Event,
  eventSearchOf,
  findExpanding,
  listEvents,
} from '@posthorn/core';
import type { z } from 'zod';
import type { Progress } from './event-json.js';

type Wanted = Parameters<typeof listEvents>[1];
type Filter = Pick<z.output<typeof EventQuery>, 'event' | 'q' | 'from' | 'to'>;

export interface EventPage {
  rows: { row: Omit<Event, 'body'>; progress: Progress }[];
  /** All that the page found. A partition may have been dropped since, with its events. */
  found: { id: string }[];
  searchedTo: string | null;
}

/** Selects events of an account. */
export function wantedEvents(accountId: string, { event, q, from, to }: Filter): Omit<Wanted, 'limit'> {
  const { text, eventIds } = eventSearchOf(q);
  return {
    accountId,
    types: event,
    text,
    ids: eventIds,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

/** Returns a page of them with their progress, newest first. Reads a bounded number of rows, however few match. */
export async function readEventPage({ pool, prisma }: Database, wanted: Wanted): Promise<EventPage> {
  const { accountId } = wanted;
  const { rows: found, searchedTo } = await listEvents(pool, wanted);
  const events = await prisma.event.findMany({
    where: { accountId, id: { in: found.map(({ id }) => id) } },
    omit: { body: true },
    orderBy: { id: 'desc' },
  });
  const key = { accountId, eventIds: events.map(({ id }) => id) };
  const [counts, expanding] = await Promise.all([countDeliveries(pool, key), findExpanding(pool, key)]);
  const rows = events.map((row, index) => ({
    row,
    progress: { deliveryCounts: counts[index] as DeliveryCounts, isExpanding: expanding.has(row.id) },
  }));
  return { rows, found, searchedTo };
}
