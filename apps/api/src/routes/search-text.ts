import { uuidRange } from '@posthorn/contract';
import type { IdRange } from '@posthorn/core';

/** The meaning of `?q=`: one of these; nothing without it. */
export interface Search {
  /** Ids that begin with this text. */
  deliveryIds?: IdRange;
  eventIds?: IdRange;
  /** A text in payloads. */
  text?: string;
}

export function searchOf(q: string | undefined): Search {
  if (q === undefined) return {};
  const deliveryIds = uuidRange('dlv', asId(q));
  return deliveryIds ? { deliveryIds } : eventSearchOf(q);
}

/** The same search for a list of events, which cannot search by delivery ids. */
export function eventSearchOf(q: string | undefined): Omit<Search, 'deliveryIds'> {
  if (q === undefined) return {};
  const eventIds = uuidRange('evt', asId(q));
  return eventIds ? { eventIds } : { text: q };
}

const asId = (q: string): string => q.trim().toLowerCase();
