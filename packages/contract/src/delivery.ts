import { z } from 'zod';
import { deliveryFilterFields, isRange, RANGE_RULE, searchQuery } from './delivery-filter.js';
import { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import { AccountId, AttemptId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { ListQuery } from './list.js';
import { time, timeOrNull } from './text.js';
import { Waiting } from './waiting.js';

const milliseconds = (description: string) =>
  z.int().nullable().describe(`${description}, in milliseconds; null: it did not come to that.`);

export const Attempt = z
  .object({
    id: AttemptId,
    number: z.int().describe('From 1.'),
    trigger: AttemptTrigger,
    outcome: AttemptOutcome,
    statusCode: z.int().nullable().describe('HTTP status of the answer.'),
    startedAt: time('When it began.'),
    durationMs: z.int().describe('How long it took in all, in milliseconds.'),
    timings: z
      .object({
        dnsMs: milliseconds('Looking the name up'),
        connectMs: milliseconds('Connecting'),
        tlsMs: milliseconds('The TLS handshake'),
        firstByteMs: milliseconds('From the start to the first byte of the answer, all of the above included'),
      })
      .describe('Where the time went.'),
    url: z.string().describe('Where it was sent.'),
    remoteAddress: z.string().nullable().describe('The address that was connected to.'),
    requestHeaders: z.record(z.string(), z.string()).describe('As sent; secrets are masked.'),
    responseHeaders: z
      .record(z.string(), z.string())
      .nullable()
      .describe(
        'As received, without Connection, Date, Keep-Alive and Transfer-Encoding, and without Content-Length unless the body is truncated. Secrets are masked.',
      ),
    responseBody: z
      .string()
      .nullable()
      .describe('The first 4 KiB of the response as text, read by its charset, else as UTF-8, else as latin1.'),
    responseTruncated: z.boolean().describe('More came than was kept.'),
    error: z.string().nullable().describe('What went wrong and what to do about it, for the receiver’s developer.'),
  })
  .meta({ id: 'Attempt', description: 'One HTTP try of a delivery. Immutable.' });
export type Attempt = z.infer<typeof Attempt>;

export const LastAttempt = z
  .object({
    outcome: AttemptOutcome,
    trigger: AttemptTrigger,
    statusCode: z.int().nullable().describe('HTTP status of the answer.'),
    durationMs: z.int().describe('How long it took in all, in milliseconds.'),
    at: time('When it began.'),
  })
  .meta({ id: 'LastAttempt', description: 'How the last attempt of a delivery ended.' });
export type LastAttempt = z.infer<typeof LastAttempt>;

const deliveryFields = {
  id: DeliveryId,
  accountId: AccountId,
  eventId: EventId,
  event: z.string().describe('The event’s type.'),
  subscriptionId: SubscriptionId,
  url: z.string().describe('The subscription’s URL in force. An attempt shows the one it went to.'),
  status: DeliveryStatus,
  statusReason: z.string().nullable().describe('Why it was canceled.'),
  attemptCount: z.int().describe('Attempts so far, of every kind.'),
  maxAttempts: z
    .int()
    .describe('Attempts that the schedule in force has; those asked for, and those we ended ourselves, come on top.'),
  lastAttempt: LastAttempt.nullable().describe('null: not attempted yet.'),
  nextAttemptAt: timeOrNull('When the next attempt is due; null unless one is scheduled.'),
  waitingFor: Waiting.nullable().describe('What it waits for; null: no attempt is due or scheduled.'),
  createdAt: time('When it was created.'),
  completedAt: timeOrNull('When it succeeded, failed or was canceled.'),
};

export const Delivery = z
  .object(deliveryFields)
  .meta({ id: 'Delivery', description: 'One event owed to one subscription.' });
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryList = z
  .object({
    data: z
      .array(Delivery)
      .describe(
        'Newest first. May hold fewer than `limit`, or none, although there is a next page: see `searchedBackTo`.',
      ),
    nextCursor: z.string().nullable().describe('Opaque; for `?cursor=`. null: this is the last page.'),
    searchedBackTo: timeOrNull(
      'A page looks at no more than some thousands of deliveries. Where few of them match the filters it ends before it is full: it ' +
        'has looked at all that was created since this time, and `nextCursor` goes on from there. null: it is full, or the last one.',
    ),
  })
  .meta({ id: 'DeliveryList' });

export const DeliveryDetail = z
  .object({
    ...deliveryFields,
    attempts: z.array(Attempt).max(100).describe('Oldest first. Of more than 100, the last 100.'),
  })
  .meta({ id: 'DeliveryDetail' });
export type DeliveryDetail = z.infer<typeof DeliveryDetail>;

const listedFields = {
  ...deliveryFilterFields,
  q: searchQuery('`dlv_…` or `evt_…`').optional(),
};

export const DeliveryQuery = ListQuery.extend(listedFields).refine(isRange, RANGE_RULE);

export const DeliveryCountQuery = z.strictObject(listedFields).refine(isRange, RANGE_RULE);

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export const DeliveryExportQuery = z
  .strictObject({
    ...listedFields,
    format: z
      .enum(EXPORT_FORMATS)
      .default('csv')
      .describe('`csv`: with a header line, for spreadsheets · `ndjson`: one `Delivery` as JSON per line.'),
  })
  .refine(isRange, RANGE_RULE);
