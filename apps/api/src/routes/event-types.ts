import {
  EventType,
  EventTypeList,
  isForOperatorsOnly,
  isOperational,
  ListQuery,
  OPERATIONAL_EVENTS,
  PutEventType,
} from '@posthorn/contract';
import { countSubscriptionsByType, type EventType as Row, listEventTypes, putEventType } from '@posthorn/core';
import { z } from 'zod';
import { beforeTime, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { accountOf, type Caller } from '../plugins/api-key.js';
import { InvalidRequest, NotFound } from '../errors.js';
import { EventTypeParams } from './params.js';
import { storedObject } from './stored-json.js';

const tags = ['Event types'];
const HANDSHAKE_TYPE = 'webhook:verify';

export const eventTypeRoutes: Routes<'db'> = (app, { db }) => {
  /** Counts the matching subscriptions that the caller can access. Returns a function that makes the JSON of a row. */
  async function withCounts(rows: Row[], caller: Caller | null): Promise<(row: Row) => EventType> {
    const counts = await countSubscriptionsByType(db.pool, {
      accountId: accountOf(caller),
      types: rows.map(({ name }) => name),
    });
    return (row) => eventTypeJson(row, counts.get(row.name) ?? 0);
  }

  app.get(
    '/v1/event-types',
    {
      config: { allow: 'anyone' },
      schema: {
        operationId: 'eventTypes.list',
        summary: 'List event types',
        description:
          'A page has fewer types than `limit` if their examples and schemas together exceed 1 MiB. Only operators see the types that ' +
          'only the operations account receives.',
        tags,
        querystring: ListQuery,
        response: { 200: EventTypeList },
      },
    },
    async ({ query: { limit, cursor }, caller }) => {
      const { rows, hasMore } = await listEventTypes(
        { db },
        { before: beforeTime('eventTypes', cursor), limit, except: hiddenFrom(caller) },
      );
      return toPage(rows, {
        limit,
        hasMore,
        list: 'eventTypes',
        keyOf: (row) => [row.createdAt.toISOString(), row.name],
        itemOf: await withCounts(rows, caller),
      });
    },
  );

  app.get(
    '/v1/event-types/:name',
    {
      config: { allow: 'anyone' },
      schema: {
        operationId: 'eventTypes.get',
        summary: 'Get an event type',
        tags,
        params: EventTypeParams,
        response: { 200: EventType },
      },
    },
    async ({ params, caller }) => {
      const row = await db.prisma.eventType.findUnique({ where: params });
      if (!row || hiddenFrom(caller).includes(row.name)) throw new NotFound('event type');
      return (await withCounts([row], caller))(row);
    },
  );

  app.put(
    '/v1/event-types/:name',
    {
      config: { audit: { target: 'eventType' }, allow: 'operator', maxJsonValues: 50_000 },
      bodyLimit: 1024 * 1024, // an example and a schema, each of at most 256 KiB
      schema: {
        operationId: 'eventTypes.put',
        summary: 'Create or change an event type',
        tags,
        params: EventTypeParams,
        body: PutEventType,
        response: { 200: EventType, 201: EventType },
      },
    },
    async ({ params: { name }, body, caller }, reply) => {
      if (name === HANDSHAKE_TYPE) {
        throw new InvalidRequest([
          { path: 'name', message: `"${name}" is reserved for the handshake; choose another name` },
        ]);
      }
      refuseOperational(name);
      const created = await putEventType({ db }, { name, ...body });
      const row = await db.prisma.eventType.findUniqueOrThrow({ where: { name } });
      return reply.code(created ? 201 : 200).send((await withCounts([row], caller))(row));
    },
  );

  app.delete(
    '/v1/event-types/:name',
    {
      config: { audit: { target: 'eventType' }, allow: 'operator' },
      schema: {
        operationId: 'eventTypes.delete',
        summary: 'Delete an event type',
        description: 'The type can no longer be published. Published events and subscriptions with this type stay.',
        tags,
        params: EventTypeParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      refuseOperational(params.name);
      const { count } = await db.prisma.eventType.deleteMany({ where: params });
      if (count === 0) throw new NotFound('event type');
      return reply.code(204).send();
    },
  );
};

const OPERATORS_ONLY = Object.keys(OPERATIONAL_EVENTS).filter(isForOperatorsOnly);
const hiddenFrom = (caller: Caller | null): string[] => (caller?.kind === 'operator' ? [] : OPERATORS_ONLY);

function refuseOperational(name: string): void {
  if (!isOperational(name)) return;
  throw new InvalidRequest([
    { path: 'name', message: `"${name}" is a type of Posthorn’s own events, which cannot be changed or deleted` },
  ]);
}

const eventTypeJson = (row: Row, subscriptionCount: number): EventType => ({
  name: row.name,
  description: row.description,
  example: row.example === null ? null : storedObject(row.example),
  schema: row.schema === null ? null : storedObject(row.schema),
  deprecated: row.deprecated,
  operational: isOperational(row.name),
  subscriptionCount,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
