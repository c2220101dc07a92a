import { DisableSubscription, RotateSecret, Secrets, Subscription } from '@posthorn/contract';
import {
  disableSubscription,
  pauseSubscription,
  readSecrets,
  requestVerification,
  resumeSubscription,
  rotateSecret,
  type Secrets as SecretRows,
  type SubscriptionResult,
} from '@posthorn/core';
import type { ApiDeps, Routes } from '../deps.js';
import { NotFound, NotPossible, RateLimited } from '../errors.js';
import { SubscriptionParams, uuidOf } from './params.js';
import { subscriptionJson } from './subscription-json.js';

const tags = ['Subscriptions'];

// Actions without a body. Repeating one changes nothing.
const ACTIONS = [
  {
    action: 'pause',
    summary: 'Pause a subscription',
    description:
      'Holds its pending deliveries and those of new events; none is lost. With a large backlog, some may stay `pending` for a while, but none is sent. Repeating it changes nothing.',
    verb: pauseSubscription,
  },
  {
    action: 'resume',
    summary: 'Resume a subscription',
    description:
      'Sends its held deliveries, oldest first; a large backlog takes some minutes. It also enables a disabled subscription. Repeating it changes nothing.',
    verb: resumeSubscription,
  },
] as const;

export const subscriptionActionRoutes: Routes<'db' | 'enqueue' | 'cipher'> = (app, deps) => {
  for (const { action, summary, description, verb } of ACTIONS) {
    app.post(
      `/v1/accounts/:account/subscriptions/:subscription/${action}`,
      {
        config: { audit: { target: 'subscription' }, allow: 'subscriptions:write', problems: ['invalid_request'] },
        schema: {
          operationId: `subscriptions.${action}`,
          summary,
          description,
          tags,
          params: SubscriptionParams,
          response: { 200: Subscription },
        },
      },
      async ({ params }) =>
        toResponse(deps, await verb(deps, { accountId: params.account, id: uuidOf('sub', params.subscription) })),
    );
  }

  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/disable',
    {
      config: {
        audit: { target: 'subscription', notes: ['deliveries'] },
        allow: 'subscriptions:write',
        problems: ['invalid_request'],
      },
      schema: {
        operationId: 'subscriptions.disable',
        summary: 'Disable a subscription',
        description:
          'The subscription receives no events and gets no deliveries for new events; a replay of `missed` can send them later. ' +
          '`deliveries` decides whether its pending deliveries are canceled, or held until it is resumed. Repeating it changes nothing; ' +
          'another choice applies to deliveries that are still pending or held. Canceled deliveries stay canceled.',
        tags,
        params: SubscriptionParams,
        body: DisableSubscription.optional(),
        response: { 200: Subscription },
      },
    },
    async ({ params, body }) => {
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      return toResponse(deps, await disableSubscription(deps, { ...key, deliveries: body?.deliveries }));
    },
  );

  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/verify',
    {
      config: { audit: { target: 'subscription' }, allow: 'subscriptions:write', problems: ['rate_limited'] },
      schema: {
        operationId: 'subscriptions.verify',
        summary: 'Verify the URL of a subscription again',
        description:
          'Sends the handshake to `pendingUrl` if there is one, otherwise to `url`. A failure does not affect a verified URL. ' +
          'An account starts at most 60 handshakes per minute; one more is a 429.',
        tags,
        params: SubscriptionParams,
        response: { 202: Subscription },
      },
    },
    async (request, reply) => {
      const { params } = request;
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const result = await requestVerification(deps, key);
      switch (result.outcome) {
        case 'started':
          request.auditAfter = result.subscription;
          return reply.code(202).send(subscriptionJson(deps, result.subscription));
        case 'not_found':
          throw new NotFound('subscription');
        case 'rate_limited':
          throw new RateLimited(result.retryAfterSeconds);
        default:
          return result satisfies never;
      }
    },
  );

  // A secret lets its holder forge events, so subscriptions:read is not enough.
  app.get(
    '/v1/accounts/:account/subscriptions/:subscription/secret',
    {
      config: { audit: { target: 'subscription' }, allow: 'secrets:read' },
      schema: {
        operationId: 'subscriptions.getSecret',
        summary: 'Get the signing secrets',
        description:
          'Requires the scope `secrets:read`, because a secret can forge events. Older keys with ' +
          '`subscriptions:write`, created before this scope existed, have it too.',
        tags,
        params: SubscriptionParams,
        response: { 200: Secrets },
      },
    },
    async ({ params, caller, log }) => {
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const secrets = await readSecrets(deps, key);
      if (!secrets) throw new NotFound('subscription');
      log.info({ logType: 'audit', caller, ...params }, 'secret.revealed');
      return secretsJson(secrets);
    },
  );

  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/secret/rotate',
    {
      // The response contains the secrets.
      config: {
        audit: { target: 'subscription', notes: ['overlapSeconds'] },
        allow: ['subscriptions:write', 'secrets:read'],
      },
      schema: {
        operationId: 'subscriptions.rotateSecret',
        summary: 'Rotate the signing secret',
        description:
          'Creates a new secret, which signs from the next attempt on. The old secret also signs for `overlapSeconds`.',
        tags,
        params: SubscriptionParams,
        body: RotateSecret.optional(),
        response: { 200: Secrets },
      },
    },
    async ({ params, body, caller, log }) => {
      const { overlapSeconds } = body ?? RotateSecret.parse({});
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const secrets = await rotateSecret(deps, { ...key, overlapSeconds });
      if (!secrets) throw new NotFound('subscription');
      log.info({ logType: 'audit', caller, ...params, overlapSeconds }, 'secret.rotated');
      return secretsJson(secrets);
    },
  );
};

function toResponse(deps: Pick<ApiDeps, 'cipher'>, result: SubscriptionResult): Subscription {
  switch (result.outcome) {
    case 'done':
      return subscriptionJson(deps, result.subscription);
    case 'not_found':
      throw new NotFound('subscription');
    case 'not_possible':
      throw new NotPossible(result.reason);
    default:
      return result satisfies never;
  }
}

const secretsJson = ({ secret, previous }: SecretRows): Secrets => ({
  secret,
  previous: previous.map((old) => ({ secret: old.secret, expiresAt: old.expiresAt.toISOString() })),
});
