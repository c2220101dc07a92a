import { z } from 'zod';
import { Metadata } from './account.js';
import { LastAttempt } from './delivery.js';
import { DeliveryStatus } from './delivery-status.js';
import { EventTypeName, EventTypePattern } from './event-type.js';
import { AccountId, DeliveryId, EventId, SubscriptionId } from './id.js';
import {
  listOf,
  listOrder,
  ListQuery,
  longestWaiting,
  lowestSuccess,
  oneOrMore,
  prefixSearch,
  sortedNewest,
} from './list.js';
import { MASK } from './mask.js';
import { Authentication, AuthenticationInput, CertificateAuthorities } from './authentication.js';
import { DayStats } from './stats.js';
import { checkFilter, MAX_FILTER_LENGTH } from './payload-filter.js';
import { anyObject, rawObject, text, time, timeOrNull } from './text.js';
import { WaitingOfRow } from './waiting.js';

export const SUBSCRIPTION_STATUSES = ['unverified', 'active', 'paused', 'disabled'] as const;
export const SubscriptionStatus = z.enum(SUBSCRIPTION_STATUSES).meta({
  description:
    '`unverified`: its URL is not verified yet, so it receives no events · `active`: receives events · `paused`: its ' +
    'deliveries are held until it is resumed · `disabled`: receives no events; pending deliveries were canceled or held.',
});
export type SubscriptionStatus = z.infer<typeof SubscriptionStatus>;

export const Verification = z
  .object({
    status: z.enum(['pending', 'verified', 'failed']).describe('`pending`: an attempt is due or running.'),
    reason: z
      .string()
      .nullable()
      .describe(
        'Why the last attempt failed: `status`, `mismatch`, `empty`, `too_large`, `redirect`, `timeout`, `dns_error`, ' +
          '`connect_error`, `tls_error`, `auth_error`, `blocked`, `bad_response`.',
      ),
    error: z
      .string()
      .nullable()
      .describe('Why the last attempt failed, and how to fix it, in sentences. null: it did not fail.'),
    checkedAt: timeOrNull('When the last attempt was made. null: not yet.'),
    statusCode: z.int().nullable().describe('HTTP status of the last response. null: no response.'),
    durationMs: z.int().nullable().describe('Duration of the last attempt in milliseconds.'),
    responseBody: z
      .string()
      .nullable()
      .describe(
        'The first 2 KiB of the response body as text, decoded by its charset, else as UTF-8, else as Latin-1. null: no response.',
      ),
  })
  .meta({ id: 'Verification', description: 'The handshake that proves that the subscriber controls the URL.' });
export type Verification = z.infer<typeof Verification>;

export const Circuit = z
  .object({
    state: z
      .enum(['closed', 'open', 'half_open'])
      .describe(
        '`closed`: deliveries are sent · `open`: deliveries wait until `until` · `half_open`: one delivery is attempted as a probe.',
      ),
    until: timeOrNull('For `open`: when the next probe is due. Otherwise null.'),
  })
  .meta({
    id: 'Circuit',
    description:
      'The circuit breaker. It opens after ten consecutive failures or three timeouts. While it is open, deliveries wait and use up no ' +
      'attempts. When a probe succeeds, it closes and the waiting deliveries are sent.',
  });
export type Circuit = z.infer<typeof Circuit>;

export const Outage = z
  .object({
    from: time('The first failure.'),
    until: time('The first success afterwards.'),
    isCatchingUp: z
      .boolean()
      .describe('Whether deliveries that would wait longer for their next attempt are still becoming due early.'),
  })
  .meta({
    id: 'Outage',
    description:
      'A time in which every attempt failed: for at least a minute, or until the circuit opened, or until a requested attempt succeeded. ' +
      'Afterwards, deliveries that wait for their next attempt are sent early, except those whose last response was 429.',
  });
export type Outage = z.infer<typeof Outage>;

export const SubscriptionStats = z
  .object({
    attempts: z.int().describe('Number of attempts.'),
    succeeded: z.int().describe('Attempts with the outcome `ok`.'),
    successRate: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('Share of successful attempts, 0 to 1, without aborted ones. null: no attempts.'),
    p95Ms: z
      .int()
      .nullable()
      .describe('95th percentile of the attempt duration in milliseconds, accurate to 9 %. null: no attempts.'),
    sparkline: z
      .array(z.object({ at: time('Start of the hour.'), succeeded: z.int(), failed: z.int() }))
      .length(24)
      .describe('Attempts per hour, oldest first. The last hour is not over yet.'),
    lastDelivery: z
      .object({
        id: DeliveryId,
        status: DeliveryStatus,
        createdAt: time('When it was created.'),
        lastAttempt: LastAttempt.nullable().describe('null: not attempted yet.'),
      })
      .nullable()
      .describe('The newest delivery, of any age. null: none.'),
    waiting: WaitingOfRow,
  })
  .meta({ id: 'SubscriptionStats', description: 'Statistics of a subscription for the last 24 hours.' });
export type SubscriptionStats = z.infer<typeof SubscriptionStats>;

const Ordering = z
  .enum(['none', 'strict'])
  .describe(
    '`strict`: one delivery at a time, in the order of publishing. The next one is sent after the previous one has succeeded, failed or was canceled. A failing delivery delays all later ones until its attempts are used up. `none`: in parallel, in any order. Default: `none`.',
  );

export const PayloadFilter = text(1, MAX_FILTER_LENGTH)
  .superRefine((value, context) => {
    const check = checkFilter(value);
    if (!check.ok) context.addIssue(check.message);
  })
  .describe(
    'A condition on the payload, as an SQL/JSON path: `$.conversation.status == "closed"`, 1 to 1000 characters. `$` is the payload. An event ' +
      'whose payload does not meet it creates no delivery.',
  )
  .meta({ examples: ['$.conversation.status == "closed"'] });

export const Subscription = z
  .object({
    id: SubscriptionId,
    accountId: AccountId,
    url: z.string().describe('The URL that receives events.'),
    pendingUrl: z
      .string()
      .nullable()
      .describe('A new URL that is not verified yet. It replaces `url` once it is verified.'),
    events: z.array(z.string()).describe('Subscribed event types. Empty: all types, including future ones.'),
    description: z.string().nullable().describe('Description for people.'),
    headers: z
      .record(z.string(), z.string())
      .describe(`Custom headers sent to \`url\`. The values are masked: \`${MASK}\`.`),
    pendingHeaders: z
      .record(z.string(), z.string())
      .nullable()
      .describe(
        'Custom headers sent to `pendingUrl`: the same as `headers` if both URLs have the same origin. ' +
          'null: no pending URL.',
      ),
    authentication: Authentication.nullable().describe(
      'How requests to `url` are authenticated, without secrets. null: not at all.',
    ),
    pendingAuthentication: Authentication.nullable().describe(
      'How requests to `pendingUrl` are authenticated: as those to `url` if both URLs have the same origin. null: not at all, or no pending URL.',
    ),
    certificateAuthorities: z
      .string()
      .nullable()
      .describe('PEM: certificate authorities that are trusted in addition to the public ones. null: none.'),
    metadata: anyObject('Your own data.'),
    rateLimit: z.int().nullable().describe('Maximum number of attempts per second, over all workers. null: unlimited.'),
    ordering: Ordering,
    retrySchedule: z
      .array(z.int())
      .nullable()
      .describe("Seconds to wait after each failed attempt. null: the operator's schedule."),
    timeoutMs: z
      .int()
      .nullable()
      .describe("Limit of one attempt in milliseconds. null: the operator's limit, 15 s by default."),
    filter: z.string().nullable().describe('A condition on payloads. null: all events of its types.'),
    status: SubscriptionStatus,
    statusReason: z
      .string()
      .nullable()
      .describe('For `disabled`: `manual`, `failing` or `gone` (the endpoint returned 410). Otherwise null.'),
    statusChangedAt: time('When the status last changed.'),
    holdsWhenDisabled: z
      .boolean()
      .describe('Whether it was disabled with `hold`, so that its pending deliveries wait until it is resumed.'),
    failingSince: timeOrNull('Time of the first failure after the last success. null: not failing.'),
    lastOutage: Outage.nullable().describe('The last outage that has ended. null: none.'),
    circuit: Circuit,
    verification: Verification,
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
    stats: SubscriptionStats.optional().describe('Only with `?stats=24h`.'),
  })
  .meta({
    id: 'Subscription',
    description: 'A webhook URL of an account, its event types and its state.',
    examples: [
      {
        id: 'sub_01jd4q8y3ne9mav5w2xkq7rf0c',
        accountId: 'acme',
        url: 'https://hooks.acme.example/posthorn',
        pendingUrl: null,
        events: ['message:*'],
        description: 'CRM',
        headers: { authorization: MASK },
        pendingHeaders: null,
        authentication: {
          type: 'oauth2',
          tokenUrl: 'https://login.acme.example/oauth2/token',
          clientId: 'posthorn',
          clientSecret: MASK,
          clientAuthentication: 'client_secret_basic',
          scope: 'webhooks',
          audience: null,
        },
        pendingAuthentication: null,
        certificateAuthorities: null,
        metadata: {},
        rateLimit: null,
        ordering: 'none',
        retrySchedule: null,
        timeoutMs: null,
        filter: null,
        status: 'active',
        statusReason: null,
        statusChangedAt: '2026-11-21T18:55:00.412Z',
        holdsWhenDisabled: false,
        failingSince: null,
        lastOutage: null,
        circuit: { state: 'closed', until: null },
        verification: {
          status: 'verified',
          reason: null,
          error: null,
          checkedAt: '2026-11-21T18:55:00.410Z',
          statusCode: 200,
          durationMs: 84,
          responseBody: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
        },
        createdAt: '2026-11-21T18:55:00.120Z',
        updatedAt: '2026-11-21T18:55:00.412Z',
      },
    ],
  });
export type Subscription = z.infer<typeof Subscription>;

export const ChangedSubscription = Subscription.extend({
  authenticationDropped: z
    .boolean()
    .describe(
      'Whether the new URL gets no `authentication`, because it was entered for another origin. Send it again if it needs one.',
    ),
  headersDropped: z
    .array(z.string())
    .describe(
      'Names of custom headers that are not sent to the new URL, because their values were entered for another origin (scheme, ' +
        'host and port). Send them again in `headers`. The old URL keeps its headers until the new one is verified.',
    ),
}).meta({ id: 'ChangedSubscription', description: 'A subscription after a change.' });
export type ChangedSubscription = z.infer<typeof ChangedSubscription>;

export const SubscriptionList = listOf(Subscription, 'SubscriptionList')
  .extend({ sortedNewest })
  .meta({ id: 'SubscriptionList' });

const SEARCHED = 'URL (with or without `https://`), description or id';

export const SubscriptionQuery = ListQuery.extend({
  q: prefixSearch(SEARCHED).optional(),
  sort: listOrder({
    waiting: longestWaiting('newest first'),
    success: lowestSuccess('newest first', 'subscriptions of the account'),
  }).optional(),
  status: oneOrMore(SubscriptionStatus).optional().describe('Only subscriptions with this status. Repeatable.'),
  stats: DayStats.optional(),
});

export const SubscriptionSearchQuery = ListQuery.extend({
  q: prefixSearch(SEARCHED).meta({ examples: ['hooks.example.com'] }),
  status: SubscriptionQuery.shape.status,
});

const inputFields = {
  url: text(1, 2048).describe(
    'The URL that receives events: http or https, at most 2048 characters, without user and password, not a private address.',
  ),
  events: z
    .array(EventTypePattern)
    .max(100, 'must have at most 100 entries; leave it empty for all types')
    .overwrite((events) => [...new Set(events)])
    .describe('Event types, or patterns such as `message:*`. Absent or empty: all types, including future ones.'),
  description: text(1, 500).nullable().describe('Description for people, 1 to 500 characters. null removes it.'),
  headers: z
    .record(text(1, 256), text(0, 4096))
    .describe(
      'Custom headers of every request: at most 20, with at most 8192 bytes of names and values together. `host`, `content-*`, `webhook-*` and hop-by-hop headers are not allowed. ' +
        `The values are stored encrypted and masked in responses. A change replaces all headers; the value \`${MASK}\` keeps the stored one. ` +
        'Posthorn sends values only to the origin (scheme, host and port) of the URL that they were entered for. If you change `url` to ' +
        'another origin without sending `headers`, the new URL gets none.',
    ),
  authentication: AuthenticationInput,
  certificateAuthorities: CertificateAuthorities,
  metadata: Metadata,
  rateLimit: z
    .int('must be a whole number of attempts per second')
    .min(1, 'must be at least 1; to send nothing, pause instead')
    .max(10_000, 'must be at most 10000; use null for no limit')
    .nullable()
    .describe('Maximum number of attempts per second, over all workers: 1 to 10000. null: unlimited.'),
  ordering: Ordering,
  retrySchedule: z
    .array(
      z
        .int('must be a whole number of seconds')
        .min(0, 'must be at least 0')
        .max(604_800, 'must be at most 604800 seconds, a week'),
    )
    .max(100, 'must have at most 100 waits')
    .nullable()
    .describe(
      'Seconds to wait after each failed attempt: `[10, 60]` makes three attempts, `[]` one. Each wait is up to 10 % longer. The operator ' +
        'limits the number of attempts (`MAX_ATTEMPTS`), the sum (`MAX_RETRY_DAYS`) and the shortest wait (`MIN_RETRY_WAIT_SECONDS`). A ' +
        "change applies from the next failed attempt of each delivery. null: the operator's schedule, twelve attempts in 3.2 days by default.",
    ),
  timeoutMs: z
    .int('must be a whole number of milliseconds')
    .min(100, 'must be at least 100')
    .max(120_000, 'must be at most 120000, two minutes')
    .nullable()
    .describe(
      'Limit of one attempt and of the handshake in milliseconds, including reading the response: 100 to the operator’s limit ' +
        '(`MAX_DELIVERY_TIMEOUT_MS`, 30000 by default). null: the operator’s default, 15000 if it was not changed.',
    ),
  filter: PayloadFilter.nullable().describe(
    'A condition on the payload, as an SQL/JSON path: `$.conversation.status == "closed"`, 1 to 1000 characters. `$` is the payload. An event ' +
      'whose payload does not meet it creates no delivery. A change applies to new events. null: all events of its types.',
  ),
};

export const CreateSubscription = z
  .strictObject({
    url: inputFields.url,
    events: inputFields.events.optional(),
    description: inputFields.description.optional(),
    headers: inputFields.headers.optional(),
    authentication: inputFields.authentication.optional(),
    certificateAuthorities: inputFields.certificateAuthorities.optional(),
    metadata: inputFields.metadata.optional(),
    rateLimit: inputFields.rateLimit.optional(),
    ordering: inputFields.ordering.optional(),
    retrySchedule: inputFields.retrySchedule.optional(),
    timeoutMs: inputFields.timeoutMs.optional(),
    filter: inputFields.filter.optional(),
  })
  .meta({
    id: 'CreateSubscription',
    examples: [{ url: 'https://hooks.acme.example/posthorn', events: ['message:*'], description: 'CRM' }],
  });
export type CreateSubscription = z.infer<typeof CreateSubscription>;

export const ChangeSubscription = CreateSubscription.extend({ url: inputFields.url.optional() }).meta({
  id: 'ChangeSubscription',
  description: 'Absent fields stay unchanged.',
  examples: [{ events: [], metadata: { owner: 'crm-team' } }],
});
export type ChangeSubscription = z.infer<typeof ChangeSubscription>;

export const Secrets = z
  .object({
    secret: z.string().describe('The current signing secret: `whsec_` and base64 (Standard Webhooks).'),
    previous: z
      .array(
        z.object({
          secret: z.string().describe('An earlier secret that still signs in addition to the current one.'),
          expiresAt: time('When it stops signing.'),
        }),
      )
      .describe('Newest first.'),
  })
  .meta({ id: 'Secrets' });
export type Secrets = z.infer<typeof Secrets>;

export const RotateSecret = z
  .strictObject({
    overlapSeconds: z
      .int('must be a whole number of seconds')
      .min(0, 'must be at least 0')
      .max(604_800, 'must be at most 604800, a week')
      .default(86_400)
      .describe('How long the old secret signs in addition to the new one, in seconds: 0 to 604800, a week.'),
  })
  .meta({ id: 'RotateSecret', examples: [{ overlapSeconds: 3600 }] });
export type RotateSecret = z.infer<typeof RotateSecret>;

export const TestEvent = z
  .strictObject({
    event: EventTypeName.optional().describe(
      'Default: the first type of the catalogue that the subscription subscribes to.',
    ),
    payload: rawObject(
      'A JSON object, at most 256 KiB. Requires the scope `events:write`. Default: the example of the catalogue.',
    ).optional(),
  })
  .meta({ id: 'TestEvent', examples: [{ event: 'message:created' }] });

export const TestSent = z.object({ deliveryId: DeliveryId, eventId: EventId }).meta({
  id: 'TestSent',
  description: 'The delivery of the test event. Its attempts show what the endpoint returned.',
});
export type TestSent = z.infer<typeof TestSent>;
