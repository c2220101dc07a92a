import { isOperational, TestEvent, TestSent, toTypeId } from '@posthorn/contract';
import { findSubscription, freezeEvent, type FrozenEvent, sendTest } from '@posthorn/core';
import type { ApiDeps, Routes } from '../deps.js';
import { EventTypeUnknown, InvalidJson, InvalidRequest, NotFound, NotPossible } from '../errors.js';
import { parseInput } from '../validate.js';
import { wants } from './check-subscription.js';
import { SubscriptionParams, uuidOf } from './params.js';
import { requireFrozen } from './require-frozen.js';

export const testEventRoutes: Routes = (app, deps) => {
  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/test',
    {
      // As text, like a publish: what a receiver gets to see of a test must be what was sent.
      config: {
        audit: { target: 'subscription' },
        allow: 'subscriptions:write',
        bodyAsText: true,
        shownBody: TestEvent.optional(),
        problems: ['unknown_event_type'],
      },
      bodyLimit: 512 * 1024,
      schema: {
        operationId: 'subscriptions.test',
        summary: 'Send a test event',
        description:
          'To this subscription alone, whatever events it wants; signed, retried and recorded like any other.',
        tags: ['Subscriptions'],
        params: SubscriptionParams,
        response: { 202: TestSent },
      },
    },
    async ({ params, bodyText }, reply) => {
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const subscription = await findSubscription(deps.db, key);
      if (!subscription) throw new NotFound('subscription');
      const frozen = await freezeTest(deps, bodyText, subscription.events);
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

/** Completes `{event?, payload?}` from the catalogue. A payload that was sent is kept to the byte. */
async function freezeTest({ db }: Pick<ApiDeps, 'db'>, text: string, wanted: string[]): Promise<FrozenEvent> {
  const given = readBody(text);
  const types = await db.prisma.eventType.findMany({ orderBy: [{ createdAt: 'asc' }, { name: 'desc' }] });
  const type =
    given.event === undefined
      ? types.find(({ name }) => wants(wanted, name) && !isOperational(name))
      : types.find(({ name }) => name === given.event);
  if (!type && given.event !== undefined) throw new EventTypeUnknown('event', given.event);
  if (!type)
    throw new InvalidRequest([
      { path: 'event', message: 'is required: the catalogue has no type that this subscription wants' },
    ]);
  if (given.payload !== undefined) {
    if (given.event !== undefined) return requireFrozen(freezeEvent(text));
    const members = text.slice(text.indexOf('{') + 1);
    return requireFrozen(freezeEvent(`{"event":${JSON.stringify(type.name)},${members}`));
  }
  if (type.example === null) {
    throw new InvalidRequest([
      { path: 'payload', message: `is required: the catalogue has no example of ${type.name}` },
    ]);
  }
  return requireFrozen(freezeEvent(JSON.stringify({ event: type.name, payload: type.example })));
}

function readBody(text: string): { event?: string | undefined; payload?: object | undefined } {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidJson('The body is not JSON.');
  }
  return parseInput(TestEvent, value);
}
