// A delivery is in one of two tables, as the migration says: `pending_deliveries` while an attempt of it is owed or it is held, and
// `finished_deliveries` otherwise. Who changes one so that it belongs to the other moves it, in the same statement. The view
// `deliveries` is for reading.

/** The columns that both have. What else the pending one has (due_at, asked_trigger, feed_at) is NULL for a finished delivery. */
export const COLUMNS = `id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count,
  created_at, completed_at, recovery_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at`;

/** SQL: the delivery `d` is one of the event `event`. Ids of an event's deliveries begin as its own does, so they are a range of the key. */
export const isOfEvent = (event: string): string =>
  `d.id >= posthorn_first_delivery_id(${event}) AND d.id <= posthorn_last_delivery_id(${event}) AND d.event_id = ${event}`;
