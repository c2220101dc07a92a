import type { Subscription } from '@posthorn/core';
import { z } from 'zod';

// The JSON of Papercups' API, with the same keys in the same order. Posthorn's additions are in /v1 only.

export const PapercupsSubscription = z
  .object({
    account_id: z.string(),
    created_at: z.string().describe('UTC, whole seconds, without a zone.'),
    id: z.string().describe('A plain UUID, with the same 16 bytes as the id in /v1.'),
    object: z.literal('event_subscription'),
    scope: z.string().nullable().describe('The scope as it was sent. null: all event types.'),
    updated_at: z.string().describe('UTC, whole seconds, without a zone.'),
    verified: z.boolean().describe('Whether the URL is verified.'),
    webhook_url: z.string().describe('The URL that receives events.'),
  })
  .meta({
    id: 'PapercupsSubscription',
    examples: [
      {
        account_id: 'acme',
        created_at: '2020-08-24T22:10:33',
        id: '0190a8e2-64a5-7d2e-8a4f-0f1c2d3e4f5a',
        object: 'event_subscription',
        scope: null,
        updated_at: '2020-08-24T22:10:33',
        verified: true,
        webhook_url: 'https://example.com/api/webhook',
      },
    ],
  });
export type PapercupsSubscription = z.infer<typeof PapercupsSubscription>;

export const PapercupsInput = z
  .object({
    event_subscription: z.looseObject({
      webhook_url: z.string().optional(),
      scope: z.string().nullable().optional().describe('Absent, null or empty: all event types.'),
    }),
  })
  .meta({
    id: 'PapercupsInput',
    examples: [{ event_subscription: { webhook_url: 'https://example.com/api/webhook' } }],
  });

export const PapercupsVerify = z
  .object({ url: z.string() })
  .meta({ id: 'PapercupsVerify', examples: [{ url: 'https://example.com/api/webhook' }] });

const detail = (text: string) => ({
  description: text,
  content: { 'application/json': { schema: z.object({ errors: z.object({ detail: z.string() }) }) } },
});
const status = (text: string) => ({
  description: text,
  content: { 'application/json': { schema: z.object({ error: z.object({ status: z.int(), message: z.string() }) }) } },
});

// As in Papercups, the 401 has `code` where the others have `status`.
const ERRORS = {
  400: detail('The body has no `event_subscription` or `url`, or is not JSON.'),
  401: {
    description: 'Not a key of an account. The operator key is not accepted, because it names no account.',
    content: { 'application/json': { schema: z.object({ error: z.object({ code: z.int(), message: z.string() }) }) } },
  },
  403: status('The key lacks a scope.'),
  404: detail('This subscription does not exist.'),
  409: status('The account has reached its limit of subscriptions.'),
  413: detail('The body is too large.'),
  415: detail('The body is not application/json, or its content encoding is not supported.'),
  422: {
    description: 'A field is not valid.',
    content: {
      'application/json': {
        schema: z.object({
          error: z.object({ status: z.int(), message: z.string(), errors: z.record(z.string(), z.array(z.string())) }),
        }),
      },
    },
  },
  429: status('Too many URLs were verified within a minute, or too many requests are waiting for a verification.'),
  500: detail('Internal error.'),
  503: detail('Temporarily unavailable.'),
} as const;

// By status, as the OpenAPI document shows them.
const { 401: unauthenticated, 403: forbidden, 404: notFound, 500: failed, 503: away } = ERRORS;
export const LIST_ERRORS = { 401: unauthenticated, 403: forbidden, 500: failed, 503: away };
export const READ_ERRORS = { ...LIST_ERRORS, 404: notFound };
export const DELETE_ERRORS = { ...READ_ERRORS, 400: ERRORS[400], 413: ERRORS[413], 415: ERRORS[415], 422: ERRORS[422] };
export const VERIFY_ERRORS = {
  ...LIST_ERRORS,
  400: ERRORS[400],
  413: ERRORS[413],
  415: ERRORS[415],
  422: ERRORS[422],
  429: ERRORS[429],
};
export const CREATE_ERRORS = { ...VERIFY_ERRORS, 409: ERRORS[409] };
export const CHANGE_ERRORS = { ...VERIFY_ERRORS, 404: notFound };

export const PAPERCUPS_COLUMNS = {
  id: true,
  accountId: true,
  url: true,
  scope: true,
  status: true,
  createdAt: true,
  updatedAt: true,
} as const;

export const papercupsJson = (row: Pick<Subscription, keyof typeof PAPERCUPS_COLUMNS>): PapercupsSubscription => ({
  account_id: row.accountId,
  created_at: wholeSeconds(row.createdAt),
  id: row.id,
  object: 'event_subscription',
  scope: row.scope,
  updated_at: wholeSeconds(row.updatedAt),
  verified: row.status !== 'unverified',
  webhook_url: row.url,
});

/** 2020-08-24T22:10:33 */
const wholeSeconds = (time: Date): string => time.toISOString().slice(0, 19);
