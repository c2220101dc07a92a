import type { DeliveryFilter } from '@posthorn/contract';
import type { DeliveryFilter as Filter } from '@posthorn/core';
import { uuidOf } from './params.js';

/** Converts the filter of a query to the filter of core. */
export function filterOf(query: DeliveryFilter): Filter {
  const { subscription, event, eventType, status, outcome, statusCode, trigger, replay, from, to } = query;
  return {
    subscriptionIds: subscription?.map((id) => uuidOf('sub', id)),
    eventId: event && uuidOf('evt', event),
    replayId: replay && uuidOf('rpl', replay),
    eventTypes: eventType,
    statuses: status,
    outcomes: outcome,
    statusCodes: statusCode,
    triggers: trigger,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}
