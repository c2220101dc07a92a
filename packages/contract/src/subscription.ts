import { z } from 'zod';
import { Metadata } from './account.js';
import { LastAttempt } from './delivery.js';
import { DeliveryStatus } from './delivery-status.js';
import { EventTypeName, EventTypePattern } from './event-type.js';
import { AccountId, DeliveryId, EventId, SubscriptionId } from './id.js';
import { listOf, ListQuery, oneOrMore } from './list.js';
import { MASK } from './mask.js';
import { DayStats } from './stats.js';
import { anyObject, rawObject, text, time, timeOrNull } from './text.js';

export const SUBSCRIPTION_STATUSES = ['unverified', 'active', 'paused', 'disabled'] as const;
export const SubscriptionStatus = z.enum(SUBSCRIPTION_STATUSES).meta({
  description:
    '`unverified`: no URL of it has passed its verification yet · `active`: receives · `paused`: its deliveries are ' +
    'held, none is lost · `disabled`: receives nothing, what was owed is canceled.',
});
export type SubscriptionStatus = z.infer<typeof SubscriptionStatus>;

export const Verification = z
  .object({
    status: z.enum(['pending', 'verified', 'failed']).describe('`pending`: a try is due or running.'),
    reason: z
      .string()
      .nullable()
      .describe(
        'Why the last try failed: `status`, `mismatch`, `empty`, `too_large`, `redirect`, `timeout`, `dns_error`, ' +
          '`connect_error`, `tls_error`, `blocked`, `bad_response`.',
      ),
    error: z
      .string()
      .nullable()
      .describe('One or more sentences: why the last try failed, and what to do about it. null: it did not fail.'),
    checkedAt: timeOrNull('When it was last tried. null: not yet.'),
    statusCode: z.int().nullable().describe('HTTP status of the last answer.'),
    durationMs: z.int().nullable().describe('How long the last try took, in milliseconds.'),
    answer: z
      .string()
      .nullable()
      .describe('The first 2 KiB of the response as text, read by its charset, else as UTF-8, else as latin1.'),
  })
  .meta({ id: 'Verification', description: 'The handshake that proves the URL wants the events.' });
export type Verification = z.infer<typeof Verification>;

export const Breaker = z
  .object({
    state: z
      .enum(['closed', 'open', 'half_open'])
      .describe('`closed`: all is sent · `open`: nothing is, until `until` · `half_open`: one delivery is tried.'),
    until: timeOrNull('Of `open`: when the next one is tried.'),
  })
  .meta({
    id: 'Breaker',
    description:
      'Spares a receiver that fails every time (ten times in a row, or three timeouts): its deliveries wait and spend no ' +
      'attempt, one is tried now and then, and its first success lets all the others go.',
  });
export type Breaker = z.infer<typeof Breaker>;

export const SubscriptionStats = z
  .object({
    attempts: z.int().describe('Attempts that were made.'),
    succeeded: z.int().describe('Of these, with the outcome `ok`.'),
    successRate: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('Of the attempts that we did not end ourselves, 0 to 1. null: there were none.'),
    p95Ms: z.int().nullable().describe('95 % of the attempts took no longer, in milliseconds, within 9 %. null: none.'),
    sparkline: z
      .array(z.object({ at: time('The hour.'), succeeded: z.int(), failed: z.int() }))
      .length(24)
      .describe('Attempts by the hour, the oldest first; the last hour is running.'),
    lastDelivery: z
      .object({
        id: DeliveryId,
        status: DeliveryStatus,
        createdAt: time('When it was created.'),
        lastAttempt: LastAttempt.nullable().describe('null: not attempted yet.'),
      })
      .nullable()
      .describe('The newest delivery, however old. null: there is none.'),
  })
  .meta({ id: 'SubscriptionStats', description: 'The last 24 hours of a subscription.' });
export type SubscriptionStats = z.infer<typeof SubscriptionStats>;

const Ordering = z
  .enum(['none', 'strict'])
  .describe(
    '`strict`: one delivery at a time, in the order of publish, and the next only after the one before has succeeded, failed for good or ' +
      'was canceled. So a delivery that fails holds up all later ones until its attempts are used up. `none` (default): many at a time.',
  );

export const Subscription = z
  .object({
    id: SubscriptionId,
    accountId: AccountId,
    url: z.string().describe('The URL in force: the only one that receives events.'),
    pendingUrl: z.string().nullable().describe('A changed URL that has not passed its verification yet.'),
    events: z.array(z.string()).describe('Event types it wants; empty: all, present and future.'),
    description: z.string().nullable().describe('For people.'),
    headers: z
      .record(z.string(), z.string())
      .describe(`Its own headers, sent to \`url\`; the values are masked: \`${MASK}\`.`),
    pendingHeaders: z
      .record(z.string(), z.string())
      .nullable()
      .describe(
        'Its own headers that are sent to `pendingUrl`. They are `headers` where both URLs have the same origin. ' +
          'null: no pending URL.',
      ),
    metadata: anyObject('Your own notes.'),
    rateLimit: z
      .int()
      .nullable()
      .describe('Attempts per second at most, over all workers. null: as fast as it answers.'),
    ordering: Ordering,
    status: SubscriptionStatus,
    statusReason: z
      .string()
      .nullable()
      .describe('Of `disabled`: `manual`, `failing` or `gone` (the receiver answered 410).'),
    statusChangedAt: time('When the status last changed.'),
    holdsWhenDisabled: z
      .boolean()
      .describe('It was disabled with `hold`: what it was owed then waits until it is resumed.'),
    failingSince: timeOrNull('The first failure after the last success. null: it works.'),
    breaker: Breaker,
    verification: Verification,
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
    stats: SubscriptionStats.optional().describe('Only where it was asked for.'),
  })
  .meta({
    id: 'Subscription',
    description: 'A webhook URL of an account, the events it wants, its state.',
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
        metadata: {},
        rateLimit: null,
        ordering: 'none',
        status: 'active',
        statusReason: null,
        statusChangedAt: '2026-11-21T18:55:00.412Z',
        holdsWhenDisabled: false,
        failingSince: null,
        breaker: { state: 'closed', until: null },
        verification: {
          status: 'verified',
          reason: null,
          error: null,
          checkedAt: '2026-11-21T18:55:00.410Z',
          statusCode: 200,
          durationMs: 84,
          answer: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
        },
        createdAt: '2026-11-21T18:55:00.120Z',
        updatedAt: '2026-11-21T18:55:00.412Z',
      },
    ],
  });
export type Subscription = z.infer<typeof Subscription>;

export const ChangedSubscription = Subscription.extend({
  headersDropped: z
    .array(z.string())
    .describe(
      'Names of own headers that are not sent to the new URL, because their values were entered for another origin (scheme, ' +
        'host and port). Send them again in `headers`. The old URL keeps its own headers until the new one is verified. Empty: none.',
    ),
}).meta({ id: 'ChangedSubscription', description: 'A subscription after a change.' });
export type ChangedSubscription = z.infer<typeof ChangedSubscription>;

export const SubscriptionList = listOf(Subscription, 'SubscriptionList');

export const SubscriptionQuery = ListQuery.extend({
  status: oneOrMore(SubscriptionStatus).optional().describe('Only with this status; repeatable.'),
  stats: DayStats.optional(),
});

const inputFields = {
  url: text(1, 2048).describe(
    'Where events are sent, at most 2048 characters: http(s), no user or password in it, no private address.',
  ),
  events: z
    .array(EventTypePattern)
    .max(100, 'must have at most 100 entries; leave it empty for all types')
    .overwrite((events) => [...new Set(events)])
    .describe('Exact types or `message:*`; absent or empty: all, present and future.'),
  description: text(1, 500).nullable().describe('For people, 1 to 500 characters. null removes it.'),
  headers: z
    .record(text(1, 256), text(0, 4096))
    .describe(
      'Sent with every request: at most 20, with at most 8192 bytes of names and values together. `host`, `content-*`, `webhook-*` and hop-by-hop names are refused. ' +
        `The values are kept encrypted and are masked when read. A change replaces all of them; \`${MASK}\` keeps a value. ` +
        'Values are sent only to the origin (scheme, host and port) of the URL that they were entered for. A change of `url` to ' +
        'another origin without `headers` drops them for the new URL.',
    ),
  metadata: Metadata,
  rateLimit: z
    .int('must be a whole number of attempts per second')
    .min(1, 'must be at least 1; pause the subscription to send nothing')
    .max(10_000, 'must be at most 10000; null is no limit')
    .nullable()
    .describe('Attempts per second at most, over all workers, 1 to 10000. null: as fast as it answers.'),
  ordering: Ordering,
};

export const CreateSubscription = z
  .strictObject({
    url: inputFields.url,
    events: inputFields.events.optional(),
    description: inputFields.description.optional(),
    headers: inputFields.headers.optional(),
    metadata: inputFields.metadata.optional(),
    rateLimit: inputFields.rateLimit.optional(),
    ordering: inputFields.ordering.optional(),
  })
  .meta({
    id: 'CreateSubscription',
    examples: [{ url: 'https://hooks.acme.example/posthorn', events: ['message:*'], description: 'CRM' }],
  });
export type CreateSubscription = z.infer<typeof CreateSubscription>;

export const ChangeSubscription = CreateSubscription.extend({ url: inputFields.url.optional() }).meta({
  id: 'ChangeSubscription',
  description: 'What is absent stays as it is.',
  examples: [{ events: [], metadata: { owner: 'crm-team' } }],
});
export type ChangeSubscription = z.infer<typeof ChangeSubscription>;

export const Secrets = z
  .object({
    secret: z.string().describe('The current signing secret, `whsec_` and base64 (Standard Webhooks).'),
    previous: z
      .array(
        z.object({
          secret: z.string().describe('An earlier secret that still signs beside the current one.'),
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
      .describe('How long the old secret still signs beside the new one, in seconds: 0 to 604800, a week.'),
  })
  .meta({ id: 'RotateSecret', examples: [{ overlapSeconds: 3600 }] });
export type RotateSecret = z.infer<typeof RotateSecret>;

export const TestEvent = z
  .strictObject({
    event: EventTypeName.optional().describe('Absent: the first type of the catalogue that the subscription wants.'),
    payload: rawObject(
      'A JSON object, at most 256 KiB; takes the scope `events:write`. Absent: the catalogue’s example.',
    ).optional(),
  })
  .meta({ id: 'TestEvent', examples: [{ event: 'message:created' }] });

export const TestSent = z
  .object({ deliveryId: DeliveryId, eventId: EventId })
  .meta({ id: 'TestSent', description: 'The test event’s delivery: its attempts show what the receiver answered.' });
export type TestSent = z.infer<typeof TestSent>;
