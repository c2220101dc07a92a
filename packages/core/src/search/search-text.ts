import { uuidRange } from '@posthorn/contract';
import type { IdRange } from '../newest-first.js';

/** The meaning of `q`: one of these; nothing without it. */
export interface Search {
  /** Ids that begin with this text. */
  deliveryIds?: IdRange;
  eventIds?: IdRange;
  /** A text in payloads. */
  text?: string;
}

/** Returns the meaning of `q` for a list of deliveries, or for a replay of them. */
export function searchOf(q: string | null | undefined): Search {
  if (q === undefined || q === null) return {};
  const deliveryIds = uuidRange('dlv', asId(q));
  return deliveryIds ? { deliveryIds } : eventSearchOf(q);
}

/** The same search for events, which cannot search by delivery ids. */
export function eventSearchOf(q: string | null | undefined): Omit<Search, 'deliveryIds'> {
  if (q === undefined || q === null) return {};
  const eventIds = uuidRange('evt', asId(q));
  return eventIds ? { eventIds } : { text: q };
}

const asId = (q: string): string => q.trim().toLowerCase();
