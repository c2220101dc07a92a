import {
  EventType,
  EventTypeList,
  EventTypeSchemaList,
  ImportedEventTypes,
  ImportQuery,
  isForOperatorsOnly,
  isOperational,
  ListQuery,
  OpenapiDocument,
  OPERATIONAL_EVENTS,
  PutEventType,
} from '@posthorn/contract';
import {
  checkSchema,
  compileSchema,
  countSubscriptionsByType,
  type EventType as Row,
  importEventTypes,
  listEventTypes,
  listEventTypeSchemas,
  putEventType,
} from '@posthorn/core';
import { z } from 'zod';
import { beforeTime, beforeVersion, toPage } from '../cursor.js';
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

  app.get(
    '/v1/event-types/:name/schemas',
    {
      config: { allow: 'anyone' },
      schema: {
        operationId: 'eventTypes.listSchemas',
        summary: 'List the versions of the schema of an event type',
        description:
          'A page has fewer versions than `limit` if they exceed 1 MiB. Versions stay when a type is deleted: a new type with the same name ' +
          'continues to count.',
        tags,
        params: EventTypeParams,
        querystring: ListQuery,
        response: { 200: EventTypeSchemaList },
      },
    },
    async ({ params: { name }, query: { limit, cursor }, caller }) => {
      const before = beforeVersion('eventTypeSchemas', cursor);
      const { rows, hasMore } = await listEventTypeSchemas({ db }, { name, before, limit });
      const isKnown = !hiddenFrom(caller).includes(name) && (await db.prisma.eventType.count({ where: { name } })) > 0;
      if (!isKnown) throw new NotFound('event type');
      return toPage(rows, {
        limit,
        hasMore,
        list: 'eventTypeSchemas',
        keyOf: ({ version }) => [String(version)],
        itemOf: ({ version, schema, createdAt }) => ({
          version,
          schema: storedObject(schema),
          createdAt: createdAt.toISOString(),
        }),
      });
    },
  );

  app.post(
    '/v1/event-types/import',
    {
      config: { audit: { target: 'eventType', status: 201 }, allow: 'operator', maxJsonValues: 100_000 },
      bodyLimit: 4 * 1024 * 1024,
      schema: {
        operationId: 'eventTypes.import',
        summary: 'Import event types from an OpenAPI document',
        description:
          'Creates and changes a type for each entry of `webhooks`: all of them, or none. The key is the name of the type, the JSON body of `post` ' +
          'its payload (or the `payload` of it, if the body is `{event, payload}`). Components that its schema refers to are copied into `$defs`. ' +
          'Other types stay, and so does the enforcement of each type. The response is a 201, or a 200 for a dry run.',
        tags,
        querystring: ImportQuery,
        body: OpenapiDocument,
        response: { 200: ImportedEventTypes, 201: ImportedEventTypes },
      },
    },
    async (request, reply) => {
      const isDryRun = request.query.dryRun === 'true';
      const result = await importEventTypes({ db }, { document: request.body, isDryRun });
      if (result.outcome === 'not_openapi') throw new InvalidRequest([result]);
      const { created, updated, unchanged, refused } = result;
      if (refused.length > 0 && !isDryRun) throw new InvalidRequest(toErrors(refused), { count: refused.length });
      request.auditNotes = {
        created: { to: created.slice(0, MAX_NAMES) },
        updated: { to: updated.slice(0, MAX_NAMES) },
      };
      return reply.code(isDryRun ? 200 : 201).send({ dryRun: isDryRun, created, updated, unchanged, refused });
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
      requireSchema(body);
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

const MAX_ERRORS = 20;
/** Names in an entry of the audit log. */
const MAX_NAMES = 100;
const toErrors = (refused: ImportedEventTypes['refused']) =>
  refused.slice(0, MAX_ERRORS).map(({ name, reason }) => ({ path: `webhooks.${name}`, message: reason }));

const OPERATORS_ONLY = Object.keys(OPERATIONAL_EVENTS).filter(isForOperatorsOnly);
const hiddenFrom = (caller: Caller | null): string[] => (caller?.kind === 'operator' ? [] : OPERATORS_ONLY);

/** Throws InvalidRequest if the schema is not one, or does not suit its enforcement. */
function requireSchema({ schema, example, enforcement }: PutEventType): void {
  const isEnforced = enforcement === 'reject';
  if (schema === null) {
    if (!isEnforced) return;
    throw new InvalidRequest([
      { path: 'schema', message: 'is required to enforce it: add a schema, or set enforcement to off' },
    ]);
  }
  const fault = checkSchema(schema, { isEnforced });
  if (fault) {
    const at = fault.pointer === '' ? '' : `at ${fault.pointer} `;
    throw new InvalidRequest([{ path: 'schema', message: `${at}${fault.message}` }]);
  }
  const issues = isEnforced && example !== null ? compileSchema(schema)(example) : [];
  if (issues.length === 0) return;
  throw new InvalidRequest(
    issues.map(({ path, message }) => ({
      path: 'example',
      message: `${path.length === 0 ? '' : `at /${path.join('/')} `}${message}: it must match the schema while that is enforced`,
    })),
  );
}

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
  schemaVersion: row.schema === null ? null : row.schemaVersion,
  enforcement: row.enforcement === 'reject' ? 'reject' : 'off',
  deprecated: row.deprecated,
  operational: isOperational(row.name),
  subscriptionCount,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
