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
import { wants } from './check-subscription.js';
import { SubscriptionParams, uuidOf } from './params.js';
import { requireFrozen, toError } from './require-frozen.js';

export const testEventRoutes: Routes<'db' | 'enqueue' | 'cipher'> = (app, deps) => {
  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/test',
    {
      // As text, like a publish: what a receiver gets to see of a test must be what was sent.
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
          'To this subscription alone, whatever events it wants; signed, retried and recorded like any other. Without a `payload`, the ' +
          'catalogue’s example is sent. A `payload` of your own takes the scope `events:write` as well: the endpoint cannot tell the ' +
          'test from an event that was published.',
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

/** Throws Forbidden for a caller that may not publish: a test is signed like any event, so its payload would be believed. */
function requirePublisher(caller: Caller | null): void {
  if (caller?.kind === 'operator' || caller?.scopes.includes('events:write')) return;
  throw new Forbidden(
    `A payload of your own needs the ${caller?.kind === 'portal' ? 'capability' : 'scope'} events:write. Without \`payload\`, the catalogue’s example is sent.`,
  );
}

/** Completes `{event?, payload?}` from the catalogue. A payload that was sent is kept to the byte. */
async function freezeTest({ db }: Pick<ApiDeps, 'db'>, draft: Draft, wanted: string[]): Promise<FrozenEvent> {
  const types = await db.prisma.eventType.findMany({
    select: { name: true }, // an example may have 256 KiB
    orderBy: [{ createdAt: 'asc' }, { name: 'desc' }],
  });
  const type =
    draft.type === null
      ? types.find(({ name }) => wants(wanted, name) && !isOperational(name))?.name
      : types.find(({ name }) => name === draft.type)?.name;
  if (type === undefined && draft.type !== null) throw new EventTypeUnknown('event', draft.type);
  if (type === undefined)
    throw new InvalidRequest([
      { path: 'event', message: 'is required: the catalogue has no type that this subscription wants' },
    ]);
  if (draft.payload) return freeze(type, draft.payload);
  const found = await db.prisma.eventType.findUnique({ where: { name: type }, select: { example: true } });
  if (!found?.example) {
    throw new InvalidRequest([{ path: 'payload', message: `is required: the catalogue has no example of ${type}` }]);
  }
  return requireFrozen(freezeEvent(Buffer.from(JSON.stringify({ event: type, payload: found.example }))));
}
