import { isOfEvent } from '../delivery-tables.js';
import type { AttemptOutcome, AttemptTrigger, DeliveryStatus } from '../generated/prisma/client.js';
import type { Param } from '../newest-first.js';

/** Selects deliveries. Several values of one field: any of them. Several fields: all of them. */
export interface DeliveryFilter {
  subscriptionIds?: string[] | undefined;
  eventTypes?: string[] | undefined;
  statuses?: DeliveryStatus[] | undefined;
  /** Outcomes of the last attempt. The next two fields also describe it. */
  outcomes?: AttemptOutcome[] | undefined;
  triggers?: AttemptTrigger[] | undefined;
  /** `500`, or a class such as `5xx`. */
  statusCodes?: string[] | undefined;
  eventId?: string | undefined;
  /** The last replay that sent the delivery. */
  replayId?: string | undefined;
  /** Created at or after `from`, and before `to`. */
  from?: Date | undefined;
  to?: Date | undefined;
}

/** SQL: the conditions of a filter for a row `d` of either table of deliveries, or of the view of both. Does not check the account. Lists and
 *  replays compose their conditions here, so that a replay sends what the list shows. */
export function conditionsOf(filter: DeliveryFilter, param: Param): string[] {
  const { subscriptionIds, eventTypes, statuses, outcomes, triggers, statusCodes, eventId, replayId, from, to } =
    filter;
  return [
    eventId && isOfEvent(`${param(eventId)}::uuid`),
    replayId && `d.replay_id = ${param(replayId)}::uuid`,
    subscriptionIds && `d.subscription_id = ANY (${param(subscriptionIds)}::uuid[])`,
    eventTypes && `d.event_type = ANY (${param(eventTypes)}::text[])`,
    statuses && isAnyOf(STATUS, statuses),
    outcomes && isAnyOf(OUTCOME, outcomes),
    triggers && isAnyOf(TRIGGER, triggers),
    statusCodes && hasStatusCode(statusCodes),
    from && `d.created_at >= ${param(from)}`,
    to && `d.created_at < ${param(to)}`,
  ].filter((one) => typeof one === 'string');
}

/** A column of both tables whose values are an enum. */
export interface EnumColumn {
  column: string;
  type: string;
}
export const OUTCOME = { column: 'last_outcome', type: 'attempt_outcome' };
export const TRIGGER = { column: 'last_trigger', type: 'attempt_trigger' };
export const STATUS = { column: 'status', type: 'delivery_status' };

// Enum values are literals: Postgres plans without the values of parameters, so it could not use a partial index.
/** SQL: the column of `d` has one of these values. */
export const isAnyOf = (one: EnumColumn, values: readonly string[]): string =>
  `d.${one.column} IN (${[...new Set(values)].map((value) => literal(one, value)).join(', ')})`;
export const literal = ({ type }: EnumColumn, value: string): string => `'${value}'::${type}`;

/** SQL: the last attempt of `d` got one of these HTTP statuses. */
function hasStatusCode(codes: readonly string[]): string {
  const ranges = codes.map((code) => {
    const first = Number(code.replaceAll('x', '0'));
    return [first, code.endsWith('xx') ? first + 99 : first] as const;
  });
  return `(${ranges.map(([first, last]) => `d.last_status_code BETWEEN ${first} AND ${last}`).join(' OR ')})`;
}

/** Returns the outcomes that an attempt with one of these HTTP statuses may have. An attempt that ended within the body also has a status. */
export const outcomesOf = (codes: readonly string[]): AttemptOutcome[] => [
  ...new Set(codes.map(([digit]) => (digit === '2' ? 'ok' : digit === '3' ? 'redirect' : 'http_error'))),
  'timeout',
  'aborted',
];
