import type { DeliveryFilter } from '../deliveries/delivery-filter.js';
import type { AttemptOutcome, AttemptTrigger, DeliveryStatus, ReplayWhich } from '../generated/prisma/client.js';
import { isOfEvent } from '../delivery-tables.js';
import { matchesType } from '../event-types/matches-type.js';
import { bodyPassesFilter } from '../publish/passes-filter.js';
import { isExpanding } from '../publish/read-fan-outs.js';

/** Selects what a replay sends. An empty array matches all. */
export interface ReplayFilter {
  which: ReplayWhich;
  since: Date;
  /** After `since`. Not in the future. */
  until: Date;
  accountIds: string[];
  subscriptionIds: string[];
  eventTypes: string[];
  /** One event. Then `accountIds` names its account. */
  eventId: string | null;
  /** For `failed`: at least one of failed, canceled and succeeded. Deliveries with other statuses are attempted anyway. */
  statuses: DeliveryStatus[];
  /** For `failed`: how the last attempt ended, as are the next two. */
  outcomes: AttemptOutcome[];
  /** `500`, or a class such as `5xx`. */
  statusCodes: string[];
  triggers: AttemptTrigger[];
  /** For `failed`: the earlier replay that sent the deliveries last. */
  ofReplayId: string | null;
  /** A text in payloads, or the beginning of an id. */
  q: string | null;
}

/** The filter of the deliveries that a replay of `failed` sends again. */
export const deliveryFilterOf = (filter: ReplayFilter): DeliveryFilter => ({
  subscriptionIds: someOrAll(filter.subscriptionIds),
  eventTypes: someOrAll(filter.eventTypes),
  statuses: filter.statuses,
  outcomes: someOrAll(filter.outcomes),
  statusCodes: someOrAll(filter.statusCodes),
  triggers: someOrAll(filter.triggers),
  eventId: filter.eventId ?? undefined,
  replayId: filter.ofReplayId ?? undefined,
  from: filter.since,
  to: filter.until,
});

const someOrAll = <T>(items: T[]): T[] | undefined => (items.length === 0 ? undefined : items);

/** SQL: the subscription `s` receives deliveries now, or when it is resumed. */
export const RECEIVES = `s.deleted_at IS NULL AND s.status IN ('active', 'paused')`;

/** SQL: a replay of `missed` sends the event `e` to the subscription `s`. An event is not missed if the current filter of the subscription excludes it, while its fan-out expands, or if it has a
 *  delivery in any status. If it has fewer deliveries than it was published with, retention has dropped some, so it does not count as missed.
 *  (OFFSET 0 forces the use of the keys, which read a few rows per event. Without statistics, Postgres read all deliveries of the subscription
 *  for each event.) */
export const IS_MISSED = `NOT e.suppressed AND ${matchesType('e.type')} AND NOT EXISTS (
  SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} AND d.subscription_id IS NOT DISTINCT FROM s.id OFFSET 0
) AND octet_length(e.body) > 0 AND (
  e.delivery_count = 0 OR e.delivery_count <= (SELECT count(*) FROM (SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0) d)
) AND NOT ${isExpanding('e.id')} AND ${bodyPassesFilter('e.body')}`;
