import { z } from 'zod';
import { deliveryFilterFields, isRange, RANGE_RULE, searchQuery } from './delivery-filter.js';
import { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import { exportFormat } from './export-link.js';
import { AccountId, AttemptId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { ListQuery } from './list.js';
import { time, timeOrNull } from './text.js';
import { Waiting } from './waiting.js';

const milliseconds = (description: string) =>
  z.int().nullable().describe(`${description}, in milliseconds. null: not reached.`);

export const Attempt = z
  .object({
    id: AttemptId,
    number: z.int().describe('Number of the attempt, counted from 1.'),
    trigger: AttemptTrigger,
    outcome: AttemptOutcome,
    statusCode: z.int().nullable().describe('HTTP status of the response. null: no response.'),
    startedAt: time('When the attempt started.'),
    durationMs: z.int().describe('Total duration in milliseconds.'),
    timings: z
      .object({
        dnsMs: milliseconds('DNS lookup'),
        connectMs: milliseconds('TCP connection'),
        tlsMs: milliseconds('TLS handshake'),
        firstByteMs: milliseconds('From the start of the attempt to the first byte of the response'),
      })
      .describe('Durations of the phases.'),
    url: z.string().describe('The URL of the request.'),
    remoteAddress: z.string().nullable().describe('The IP address of the connection. null: no connection.'),
    requestHeaders: z.record(z.string(), z.string()).describe('Request headers as sent. Secrets are masked.'),
    responseHeaders: z
      .record(z.string(), z.string())
      .nullable()
      .describe(
        'Response headers as received, without Connection, Date, Keep-Alive and Transfer-Encoding, and without Content-Length unless the body is truncated. Secrets are masked.',
      ),
    responseBody: z
      .string()
      .nullable()
      .describe(
        'The first 4 KiB of the response body as text, decoded by its charset, else as UTF-8, else as Latin-1. null: no response.',
      ),
    responseTruncated: z.boolean().describe('Whether the response body was longer than `responseBody`.'),
    errorCode: z
      .string()
      .nullable()
      .describe(
        'The code of a failure below HTTP, to sort failures without reading `error`: of the connection (`ECONNREFUSED`), of DNS (`ENOTFOUND`), ' +
          'of TLS (`CERT_HAS_EXPIRED`) or of the HTTP parser (`HPE_INVALID_CONSTANT`). null: success, or a failure that `outcome` and `statusCode` describe completely.',
      ),
    error: z
      .string()
      .nullable()
      .describe('What went wrong and how to fix it, for the developer of the endpoint. null: success.'),
  })
  .meta({ id: 'Attempt', description: 'One HTTP request of a delivery. Immutable.' });
export type Attempt = z.infer<typeof Attempt>;

export const LastAttempt = z
  .object({
    outcome: AttemptOutcome,
    trigger: AttemptTrigger,
    statusCode: z.int().nullable().describe('HTTP status of the response. null: no response.'),
    durationMs: z.int().describe('Total duration in milliseconds.'),
    at: time('When the attempt started.'),
  })
  .meta({ id: 'LastAttempt', description: 'How the last attempt of a delivery ended.' });
export type LastAttempt = z.infer<typeof LastAttempt>;

const deliveryFields = {
  id: DeliveryId,
  accountId: AccountId,
  eventId: EventId,
  event: z.string().describe('The event type.'),
  subscriptionId: SubscriptionId,
  url: z.string().describe('The current URL of the subscription. Each attempt has the URL that it was sent to.'),
  status: DeliveryStatus,
  statusReason: z.string().nullable().describe('Why the delivery was canceled or failed. Otherwise null.'),
  attemptCount: z.int().describe('Number of attempts so far, with every trigger.'),
  maxAttempts: z
    .int()
    .describe(
      'Number of attempts in the retry schedule. Manual, aborted and early attempts are additional. Early attempts are made when the subscription recovers.',
    ),
  lastAttempt: LastAttempt.nullable().describe('null: not attempted yet.'),
  nextAttemptAt: timeOrNull('When the next attempt is due. null: none is scheduled.'),
  waitingFor: Waiting.nullable().describe('What it waits for. null: no attempt is due or scheduled.'),
  createdAt: time('When it was created.'),
  completedAt: timeOrNull('When it succeeded, failed or was canceled.'),
};

export const Delivery = z
  .object(deliveryFields)
  .meta({ id: 'Delivery', description: 'One event for one subscription.' });
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryList = z
  .object({
    data: z
      .array(Delivery)
      .describe(
        'Newest first. A page may have fewer rows than `limit`, or none, and still have a next page: see `searchedBackTo`.',
      ),
    nextCursor: z.string().nullable().describe('Opaque: pass it as `?cursor=`. null: this is the last page.'),
    searchedBackTo: timeOrNull(
      'A page searches at most a few thousand deliveries. If few of them match the filters, the page ends before it is full. It covers all deliveries created since this time, and `nextCursor` continues from there. null: the page is full, or the last one.',
    ),
  })
  .meta({ id: 'DeliveryList' });

export const DeliveryDetail = z
  .object({
    ...deliveryFields,
    attempts: z.array(Attempt).max(100).describe('Oldest first, at most the last 100.'),
  })
  .meta({ id: 'DeliveryDetail' });
export type DeliveryDetail = z.infer<typeof DeliveryDetail>;

const listedFields = {
  ...deliveryFilterFields,
  q: searchQuery('`dlv_…` or `evt_…`').optional(),
};

export const DeliveryQuery = ListQuery.extend(listedFields).refine(isRange, RANGE_RULE);

export const DeliveryCountQuery = z.strictObject(listedFields).refine(isRange, RANGE_RULE);

export const DeliveryExportQuery = z
  .strictObject({
    ...listedFields,
    format: exportFormat('Delivery'),
  })
  .refine(isRange, RANGE_RULE);
