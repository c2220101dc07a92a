import type { IdRange } from './newest-first.js';

// A delivery is in exactly one of two tables: in `pending_deliveries` if it is held or has an attempt pending,
// otherwise in `finished_deliveries`. A statement that changes this moves the row. The view `deliveries` reads both
// tables.

/** The columns that both tables have. `pending_deliveries` also has due_at, requested_trigger and leased_until. */
export const COLUMNS = `id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count,
  created_at, completed_at, replay_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at`;

/** SQL: the delivery `d` belongs to the event. Ids of an event's deliveries share its prefix, so they are a range of
 *  the key. */
export const isOfEvent = (event: string): string =>
  `d.id >= posthorn_first_delivery_id(${event}) AND d.id <= posthorn_last_delivery_id(${event}) AND d.event_id = ${event}`;

/** Where the deliveries of events with these ids are: a delivery's id begins with the 8 bytes of its event's. */
export function deliveryIdsOf({ from, before }: IdRange): IdRange {
  const isWhole = before.endsWith('-0000-000000000000');
  return {
    from: `${from.slice(0, 18)}-0000-000000000000`,
    before: isWhole ? before : `${before.slice(0, 18)}-ffff-ffffffffffff`,
  };
}
