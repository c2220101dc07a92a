import { isOperational, TestEvent, TestSent, toTypeId } from '@posthorn/contract';
import {
  type Draft,
  findSubscription,
  freeze,
  freezeEvent,
  type FrozenEvent,
  readDraft,
  sendTest,
} from '@posthorn/core';
import type { ApiDeps, Routes } from '../deps.js';
import { EventTypeUnknown, Forbidden, InvalidRequest, NotFound, NotPossible } from '../errors.js';
import type { Caller } from '../plugins/api-key.js';
import { subscribesTo } from './check-subscription.js';
import { SubscriptionParams, uuidOf } from './params.js';
import { requireFrozen, toError } from './require-frozen.js';

export const testEventRoutes: Routes<'db' | 'enqueue' | 'cipher'> = (app, deps) => {
  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/test',
    {
      // Read as bytes, as when publishing: the endpoint must receive the payload unchanged.
      config: {
        audit: { target: 'subscription' },
        allow: 'subscriptions:write',
        bodyAsBytes: true,
        shownBody: TestEvent.optional(),
        problems: ['unknown_event_type'],
      },
      bodyLimit: 512 * 1024,
      schema: {
        operationId: 'subscriptions.test',
        summary: 'Send a test event',
        description:
          'Sends an event to this subscription only, even if it does not subscribe to the type. It is signed, retried and recorded like any other ' +
          'event. Default `payload`: the example of the catalogue. Your own `payload` also requires the scope `events:write`, because the ' +
          'endpoint cannot distinguish a test from a published event.',
        tags: ['Subscriptions'],
        params: SubscriptionParams,
        response: { 202: TestSent },
      },
    },
    async ({ params, bodyBytes, caller }, reply) => {
      const draft = readDraft(bodyBytes);
      if (!draft.ok) throw toError(draft);
      if (draft.payload) requirePublisher(caller);
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const subscription = await findSubscription(deps.db, key);
      if (!subscription) throw new NotFound('subscription');
      const frozen = await freezeTest(deps, draft, subscription.events);
      const result = await sendTest(deps, { ...key, frozen });
      switch (result.outcome) {
        case 'sent':
          return reply
            .code(202)
            .send({ deliveryId: toTypeId('dlv', result.deliveryId), eventId: toTypeId('evt', result.eventId) });
        case 'not_found':
          throw new NotFound('subscription');
        case 'not_possible':
          throw new NotPossible(result.reason);
        default:
          return result satisfies never;
      }
    },
  );
};

/** Throws Forbidden if the caller may not publish: a test is signed like any event, so endpoints trust its payload. */
function requirePublisher(caller: Caller | null): void {
  if (caller?.kind === 'operator' || caller?.scopes.includes('events:write')) return;
  throw new Forbidden(
    `Your own payload requires the ${caller?.kind === 'portal' ? 'capability' : 'scope'} events:write. Omit \`payload\` to send the example of the catalogue.`,
  );
}

/** Completes `{event?, payload?}` from the catalogue. Keeps a given payload byte for byte. */
async function freezeTest({ db }: Pick<ApiDeps, 'db'>, draft: Draft, subscribed: string[]): Promise<FrozenEvent> {
  const types = await db.prisma.eventType.findMany({
    select: { name: true }, // an example may have 256 KiB
    orderBy: [{ createdAt: 'asc' }, { name: 'desc' }],
  });
  const type =
    draft.type === null
      ? types.find(({ name }) => subscribesTo(subscribed, name) && !isOperational(name))?.name
      : types.find(({ name }) => name === draft.type)?.name;
  if (type === undefined && draft.type !== null) throw new EventTypeUnknown('event', draft.type);
  if (type === undefined)
    throw new InvalidRequest([
      { path: 'event', message: 'is required: the subscription subscribes to no type of the catalogue' },
    ]);
  if (draft.payload) return freeze(type, draft.payload);
  const found = await db.prisma.eventType.findUnique({ where: { name: type }, select: { example: true } });
  if (!found?.example) {
    throw new InvalidRequest([{ path: 'payload', message: `is required: the catalogue has no example for ${type}` }]);
  }
  return requireFrozen(freezeEvent(Buffer.from(JSON.stringify({ event: type, payload: found.example }))));
}
