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

// One row per act that takes no body: its path and operation, what it does, its verb. Each may be repeated.
const ACTS = [
  {
    act: 'pause',
    summary: 'Pause a subscription',
    description:
      'Its pending deliveries, and those that it gets while it is paused, are held; none is lost. Of a large backlog, some may still be `pending` in the response; none of these is sent. Repeating it changes nothing.',
    verb: pauseSubscription,
  },
  {
    act: 'resume',
    summary: 'Resume a subscription',
    description:
      'Its held deliveries become due, the oldest first; a large backlog takes some minutes. It also enables a disabled one. Repeating it changes nothing.',
    verb: resumeSubscription,
  },
] as const;

export const subscriptionActRoutes: Routes<'db' | 'enqueue' | 'cipher'> = (app, deps) => {
  for (const { act, summary, description, verb } of ACTS) {
    app.post(
      `/v1/accounts/:account/subscriptions/:subscription/${act}`,
      {
        config: { audit: { target: 'subscription' }, allow: 'subscriptions:write', problems: ['invalid_request'] },
        schema: {
          operationId: `subscriptions.${act}`,
          summary,
          description,
          tags,
          params: SubscriptionParams,
          response: { 200: Subscription },
        },
      },
      async ({ params }) =>
        answer(deps, await verb(deps, { accountId: params.account, id: uuidOf('sub', params.subscription) })),
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
          'It receives nothing, and is not owed what is published meanwhile (a replay of `missed` sends that). What it ' +
          'is owed now is canceled, or held until it is resumed, as `deliveries` says. Repeating it changes nothing; with ' +
          'another choice it applies to what is still owed: what was canceled stays canceled.',
        tags,
        params: SubscriptionParams,
        body: DisableSubscription.optional(),
        response: { 200: Subscription },
      },
    },
    async ({ params, body }) => {
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      return answer(deps, await disableSubscription(deps, { ...key, deliveries: body?.deliveries }));
    },
  );

  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/verify',
    {
      config: { audit: { target: 'subscription' }, allow: 'subscriptions:write', problems: ['rate_limited'] },
      schema: {
        operationId: 'subscriptions.verify',
        summary: 'Verify a subscription’s URL again',
        description:
          'Sends the handshake to the pending URL, or to the one in force. A failure leaves a working URL alone. ' +
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

  // A secret lets its holder forge events, so reading it takes more than the scope to read subscriptions.
  app.get(
    '/v1/accounts/:account/subscriptions/:subscription/secret',
    {
      config: { audit: { target: 'subscription' }, allow: 'secrets:read' },
      schema: {
        operationId: 'subscriptions.getSecret',
        summary: 'Get the signing secrets',
        description:
          'Takes the scope `secrets:read`: who has a secret can forge events. (Keys that were made before this scope was, and have ' +
          '`subscriptions:write`, have it too.)',
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
      // Its answer tells the secrets.
      config: {
        audit: { target: 'subscription', notes: ['overlapSeconds'] },
        allow: ['subscriptions:write', 'secrets:read'],
      },
      schema: {
        operationId: 'subscriptions.rotateSecret',
        summary: 'Make a new signing secret',
        description: 'It signs from the next attempt on. The old one signs beside it for `overlapSeconds`.',
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

function answer(deps: Pick<ApiDeps, 'cipher'>, result: SubscriptionResult): Subscription {
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
