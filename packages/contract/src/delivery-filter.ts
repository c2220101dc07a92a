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

/** The filter of the list of deliveries, of its count and its export, and of replays. Several values of one field: any of them.
 *  Several fields: all of them. */
export const deliveryFilterFields = {
  subscription: oneOrMore(SubscriptionId).optional().describe('Only deliveries of this subscription. Repeatable.'),
  event: EventId.optional().describe('Only deliveries of this event.'),
  eventType: oneOrMore(EventTypeName).optional().describe('Only deliveries of this event type. Repeatable.'),
  status: oneOrMore(DeliveryStatus).optional().describe('Only deliveries with this status. Repeatable.'),
  outcome: oneOrMore(AttemptOutcome)
    .optional()
    .describe('Only deliveries whose last attempt had this outcome. Repeatable.'),
  statusCode: oneOrMore(StatusCode)
    .optional()
    .describe('Only deliveries whose last attempt got this HTTP status, or one of this class (`5xx`). Repeatable.'),
  trigger: oneOrMore(AttemptTrigger)
    .optional()
    .describe('Only deliveries whose last attempt has this trigger. Repeatable.'),
  replay: ReplayId.optional().describe('Only deliveries that this replay was the last one to send.'),
  from: moment('Only deliveries created at or after this time.').optional(),
  to: moment('Only deliveries created before this time. Must be later than `from`.').optional(),
};

/** For `refine`: a range of time has to begin before it ends. Names the field `to`. */
export const isRange = ({ from, to }: { from?: string | undefined; to?: string | undefined }): boolean =>
  from === undefined || to === undefined || !(Date.parse(from) >= Date.parse(to));
export const RANGE_RULE = { path: ['to'], message: 'must be later than from' };

export const DeliveryFilter = z.strictObject(deliveryFilterFields).refine(isRange, RANGE_RULE);
export type DeliveryFilter = z.infer<typeof DeliveryFilter>;

/** `?q=` of a list. `what`: the ids that it finds. */
export const searchQuery = (what: string) =>
  text(2, 200).describe(
    `Only rows whose payload contains this text (case-sensitive), or the start of an id (${what}). A page searches the payloads of ` +
      'a few hundred rows: see `searchedBackTo`.',
  );
