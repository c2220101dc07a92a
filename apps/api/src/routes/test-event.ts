import { isOperational, TestEvent, TestSent, toTypeId } from '@posthorn/contract';
import { findSubscription, freezeEvent, type FrozenEvent, sendTest } from '@posthorn/core';
import type { ApiDeps, Routes } from '../deps.js';
import { EventTypeUnknown, Forbidden, InvalidJson, InvalidRequest, NotFound, NotPossible } from '../errors.js';
import type { Caller } from '../plugins/api-key.js';
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
          'To this subscription alone, whatever events it wants; signed, retried and recorded like any other. Without a `payload`, the ' +
          'catalogue’s example is sent. A `payload` of your own takes the scope `events:write` as well: the endpoint cannot tell the ' +
          'test from an event that was published.',
        tags: ['Subscriptions'],
        params: SubscriptionParams,
        response: { 202: TestSent },
      },
    },
    async ({ params, bodyText, caller }, reply) => {
      const given = readBody(bodyText);
      if (given.payload !== undefined) requirePublisher(caller);
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const subscription = await findSubscription(deps.db, key);
      if (!subscription) throw new NotFound('subscription');
      const frozen = await freezeTest(deps, { given, text: bodyText, wanted: subscription.events });
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

interface TestInput {
  event?: string | undefined;
  payload?: object | undefined;
}

/** Completes `{event?, payload?}` from the catalogue. A payload that was sent is kept to the byte. */
async function freezeTest(
  { db }: Pick<ApiDeps, 'db'>,
  { given, text, wanted }: { given: TestInput; text: string; wanted: string[] },
): Promise<FrozenEvent> {
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

function readBody(text: string): TestInput {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidJson('The body is not JSON.');
  }
  return parseInput(TestEvent, value);
}
