import { z } from 'zod';
import { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import { EventTypeName } from './event-type.js';
import { EventId, ReplayId, SubscriptionId } from './id.js';
import { oneOrMore } from './list.js';
import { moment, text } from './text.js';

/** An HTTP status, or a class of them. */
const StatusCode = z
  .string()
  .regex(/^[1-9](xx|\d\d)$/, 'must be an HTTP status such as 500, or a class such as 5xx')
  .meta({ description: 'An HTTP status, or a class of them.', examples: ['5xx', '500'] });

// One filter selects deliveries everywhere: in a list, its count, its export and a replay. Several values of one field: any of them. Several
// fields: all of them. A query repeats `status`, the body of a replay has the array `statuses`; their values and meaning are the same.
// delivery-filter.test.ts fails if one of them lacks a field of the other.

/** The fields that can have several values, by their names in a query. */
export const filterValues = {
  subscription: SubscriptionId,
  eventType: EventTypeName,
  status: DeliveryStatus,
  outcome: AttemptOutcome,
  statusCode: StatusCode,
  trigger: AttemptTrigger,
};

/** The names of these fields in the body of a replay. */
export const FILTER_PLURALS = {
  subscription: 'subscriptions',
  eventType: 'eventTypes',
  status: 'statuses',
  outcome: 'outcomes',
  statusCode: 'statusCodes',
  trigger: 'triggers',
} as const satisfies Record<keyof typeof filterValues, string>;

/** Maximum number of values per field in the body of a replay. */
const MAX_NAMED = 50;
export const some = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(MAX_NAMED);

/** `?q=` of a list, and of a replay. `what`: the ids that it finds. */
const searchText = (what: string, limits: string) =>
  text(2, 200).describe(
    `Only rows whose payload contains this text (case-sensitive), or the start of an id (${what}). ${limits}`,
  );

export const searchQuery = (what: string) =>
  searchText(what, 'A page searches the payloads of a few hundred rows: see `searchedBackTo`.');

/** The fields of a query. */
export const deliveryFilterFields = {
  subscription: oneOrMore(filterValues.subscription)
    .optional()
    .describe('Only deliveries of this subscription. Repeatable.'),
  event: EventId.optional().describe('Only deliveries of this event.'),
  eventType: oneOrMore(filterValues.eventType).optional().describe('Only deliveries of this event type. Repeatable.'),
  status: oneOrMore(filterValues.status).optional().describe('Only deliveries with this status. Repeatable.'),
  outcome: oneOrMore(filterValues.outcome)
    .optional()
    .describe('Only deliveries whose last attempt had this outcome. Repeatable.'),
  statusCode: oneOrMore(filterValues.statusCode)
    .optional()
    .describe('Only deliveries whose last attempt got this HTTP status, or one of this class (`5xx`). Repeatable.'),
  trigger: oneOrMore(filterValues.trigger)
    .optional()
    .describe('Only deliveries whose last attempt has this trigger. Repeatable.'),
  replay: ReplayId.optional().describe('Only deliveries that this replay was the last one to send.'),
  from: moment('Only deliveries created at or after this time.').optional(),
  to: moment('Only deliveries created before this time. Must be later than `from`.').optional(),
};

/** The statuses of deliveries that a replay can send again. The others are attempted anyway. */
export const REPLAYABLE_STATUSES = ['failed', 'canceled', 'succeeded'] as const;
export const ReplayableStatus = z.enum(REPLAYABLE_STATUSES);

/** The same fields in the body of a replay, whose times are `since` and `until`. */
export const replayFilterFields = {
  subscriptions: some(filterValues.subscription)
    .optional()
    .describe('Only to these subscriptions. Each must be `active` or `paused`. Default: all active and paused ones.'),
  eventTypes: some(filterValues.eventType).optional().describe('Only events of these types.'),
  statuses: some(ReplayableStatus)
    .optional()
    .describe('For `failed`: only deliveries with one of these statuses. Default: `failed` and `canceled`.'),
  outcomes: some(filterValues.outcome)
    .optional()
    .describe('For `failed`: only deliveries whose last attempt had one of these outcomes.'),
  statusCodes: some(filterValues.statusCode)
    .optional()
    .describe(
      'For `failed`: only deliveries whose last attempt got one of these HTTP statuses, or one of a class (`5xx`).',
    ),
  triggers: some(filterValues.trigger)
    .optional()
    .describe('For `failed`: only deliveries whose last attempt has one of these triggers.'),
  replay: ReplayId.optional().describe(
    'For `failed`: only deliveries that this replay sent again, and no later replay. Then `since` may be left out.',
  ),
  q: searchText(
    'for `failed` `dlv_…` or `evt_…`, for `missed` `evt_…`',
    'A replay searches a few hundred payloads per second, so it may take longer, and its preview counts only the first matches.',
  ).optional(),
};

/** For `refine`: a range of time has to begin before it ends. Names the field `to`. */
export const isRange = ({ from, to }: { from?: string | undefined; to?: string | undefined }): boolean =>
  from === undefined || to === undefined || !(Date.parse(from) >= Date.parse(to));
export const RANGE_RULE = { path: ['to'], message: 'must be later than from' };

export const DeliveryFilter = z.strictObject(deliveryFilterFields).refine(isRange, RANGE_RULE);
export type DeliveryFilter = z.infer<typeof DeliveryFilter>;
