import {
  EventDetail,
  EventList,
  EventQuery,
  FindMissingEvents,
  IdempotencyKey,
  MissingEvents,
  PublishedEvent,
  PublishedEvents,
  PublishEvent,
  PublishEvents,
  toTypeId,
} from '@posthorn/contract';
import {
  countDeliveries,
  findExpanding,
  findMissingEvents,
  freezeBatch,
  freezeEvent,
  listDeliveries,
  type PublishedEvent as PublishedEventRow,
  type PublishRefusal,
} from '@posthorn/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { pageRange, searchedJson, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import {
  EventTypeUnknown,
  IdempotencyKeyReused,
  InvalidRequest,
  NotFound,
  SchemaMismatch,
  Unavailable,
} from '../errors.js';
import { readList } from '../read-list.js';
import { eventDetailText, eventJson, publishedJson } from './event-json.js';
import { readEventPage, wantedEvents } from './event-page.js';
import { AccountParams, EventParams, requireAccount, uuidOf } from './params.js';
import type { TracedPublish } from '../trace-publish.js';
import { requireFrozen, toError } from './require-frozen.js';

const tags = ['Events'];
/** Deliveries in the detail of an event. The list of deliveries has all of them. */
const MAX_DELIVERIES = 100;

export const eventRoutes: Routes<'db' | 'reader' | 'publisher' | 'metrics' | 'tracePublish'> = (
  app,
  { db, reader, publisher, metrics, tracePublish },
) => {
  const count = ({ deliveryCount, isFanOut }: PublishedEventRow, duplicate: boolean) => {
    metrics.eventsAccepted.inc({ result: duplicate ? 'duplicate' : 'new' });
    if (duplicate) return;
    // Workers count the deliveries of a fan-out.
    if (!isFanOut) metrics.deliveriesCreated.inc(deliveryCount);
    if (deliveryCount === 0) metrics.eventsUnmatched.inc();
  };

  app.post(
    '/v1/accounts/:account/events',
    {
      config: {
        audit: false,
        allow: 'events:write',
        findsAccount: true,
        bodyAsBytes: true,
        shownBody: PublishEvent,
        problems: ['idempotency_conflict', 'unknown_event_type', 'schema_mismatch'],
      },
      bodyLimit: 512 * 1024, // a payload of 256 KiB, and as much white space
      schema: {
        operationId: 'events.publish',
        summary: 'Publish an event',
        description:
          'A 202 means that the event and one delivery per matching subscription are stored durably. ' +
          'For an event with more than 5,000 deliveries, it means that the event is stored. Workers then create the deliveries: `fanOut` is `expanding`, and `deliveries` is the expected number. Subscriptions that are disabled, deleted or no longer match ' +
          'by then get no delivery; deliveries of paused ones are held. ' +
          'The body is at most 512 KiB, its payload without white space at most 256 KiB. ' +
          'The payload is sent unchanged, even with half of a surrogate pair, which strict JSON parsers reject.',
        tags,
        params: AccountParams,
        headers: z.looseObject({ 'idempotency-key': IdempotencyKey.optional() }),
        response: { 202: PublishedEvent },
      },
    },
    async (request, reply) => {
      const { params, headers, bodyBytes } = request;
      const frozen = requireFrozen(freezeEvent(bodyBytes));
      const idempotencyKey = headers['idempotency-key'] ?? null;
      const result = await publisher.publish({ accountId: params.account, frozen, idempotencyKey });
      switch (result.outcome) {
        case 'accepted':
        case 'repeated': {
          const duplicate = result.outcome === 'repeated';
          count(result.event, duplicate);
          tracePublish?.(traced(request, reply, [{ ...result.event, repeated: duplicate }]));
          return reply.code(202).send(publishedJson(result.event, duplicate));
        }
        default:
          throw toRefusal(result, { typeAt: 'event', payloadAt: 'payload', keyAt: 'Idempotency-Key' });
      }
    },
  );

  app.post(
    '/v1/accounts/:account/events/batch',
    {
      config: {
        audit: false,
        allow: 'events:write',
        findsAccount: true,
        bodyAsBytes: true,
        shownBody: PublishEvents,
        problems: ['idempotency_conflict', 'unknown_event_type', 'schema_mismatch'],
      },
      bodyLimit: 16 * 1024 * 1024,
      schema: {
        operationId: 'events.publishBatch',
        summary: 'Publish up to 500 events at once',
        description:
          'Either all events are stored, or none. Each event can have its own `idempotencyKey`; the header `Idempotency-Key` is ' +
          'not allowed. The body is at most 16 MiB.',
        tags,
        params: AccountParams,
        response: { 202: PublishedEvents },
      },
    },
    async (request, reply) => {
      const { params, headers, bodyBytes } = request;
      if (headers['idempotency-key'] !== undefined) {
        const message = 'does not apply to a batch: set the idempotencyKey of each event instead';
        throw new InvalidRequest([{ path: 'Idempotency-Key', message }]);
      }
      const batch = await freezeBatch(bodyBytes);
      if (!batch.ok) throw toError(batch);
      const result = await publisher.publishAll(batch.items.map((item) => ({ accountId: params.account, ...item })));
      if (result.outcome === 'refused') {
        const at = `events[${result.index}]`;
        throw toRefusal(result.result, {
          typeAt: `${at}.event`,
          payloadAt: `${at}.payload`,
          keyAt: `${at}.idempotencyKey`,
        });
      }
      for (const event of result.events) count(event, event.repeated);
      tracePublish?.(traced(request, reply, result.events));
      return reply.code(202).send({ data: result.events.map((event) => publishedJson(event, event.repeated)) });
    },
  );

  app.get(
    '/v1/accounts/:account/events',
    {
      config: { mayLag: true, allow: 'events:read' },
      schema: {
        operationId: 'events.list',
        summary: 'List events',
        tags,
        params: AccountParams,
        querystring: EventQuery,
        response: { 200: EventList },
      },
    },
    async ({ params: { account }, query: { limit, cursor, ...filter } }, reply) => {
      const wanted = { ...wantedEvents(account, filter), ...pageRange('events', { ...filter, limit, cursor }) };
      const { rows, searchedTo } = await readList({ reader }, reply, (from) => readEventPage(from, wanted));
      await requireAccount({ db }, account, rows);
      const page = toPage(rows, {
        limit,
        list: 'events',
        keyOf: ({ row }) => [row.id],
        itemOf: ({ row, progress }) => eventJson(row, progress),
      });
      return { ...page, ...searchedJson('events', searchedTo) };
    },
  );

  app.post(
    '/v1/accounts/:account/events/missing',
    {
      config: { audit: false, allow: 'events:read' },
      schema: {
        operationId: 'events.findMissing',
        summary: 'Find accepted events that are missing',
        description:
          'After a restore of the database: returns which of up to 500 events that got a 202 the account does not have. Changes nothing. ' +
          'An event is missing if neither its `id` nor its `idempotencyKey` is known. Keys are known for 24 hours, ids as long as the ' +
          'event is stored (`RETENTION_DAYS`).',
        tags,
        params: AccountParams,
        body: FindMissingEvents,
        response: { 200: MissingEvents },
      },
    },
    async ({ params: { account }, body: { events } }) => {
      await requireAccount({ db }, account, []);
      const known = events.map(({ id, idempotencyKey }) => ({
        id: id ? uuidOf('evt', id) : null,
        idempotencyKey: idempotencyKey ?? null,
      }));
      const missing = await findMissingEvents(db.pool, { accountId: account, events: known });
      return { data: missing.map(({ id, ...others }) => ({ id: id && toTypeId('evt', id), ...others })) };
    },
  );

  app.get(
    '/v1/accounts/:account/events/:event',
    {
      config: { allow: 'events:read' },
      schema: {
        operationId: 'events.get',
        summary: 'Get an event with its payload and the state of its deliveries',
        tags,
        params: EventParams,
        response: { 200: EventDetail },
      },
    },
    async ({ params }, reply) => {
      const accountId = params.account;
      const id = uuidOf('evt', params.event);
      const [row, { rows: deliveries }, [deliveryCounts], expanding] = await Promise.all([
        db.prisma.event.findFirst({ where: { id, accountId } }),
        listDeliveries(db.pool, { accountId, eventId: id, limit: MAX_DELIVERIES }),
        countDeliveries(db.pool, { accountId, eventIds: [id] }),
        findExpanding(db.pool, { accountId, eventIds: [id] }),
      ]);
      if (!row || !deliveryCounts) throw new NotFound('event');
      // Sent as text, because the schema's serializer would change the bytes of the payload.
      const plain: FastifyReply = reply;
      const progress = { deliveryCounts, isExpanding: expanding.has(id) };
      return plain
        .type('application/json; charset=utf-8')
        .send(eventDetailText(row, deliveries.toReversed(), progress));
    },
  );
};

/** What a span of the request needs. */
const traced = (
  { headers, routeOptions }: Pick<FastifyRequest, 'headers' | 'routeOptions'>,
  { elapsedTime }: Pick<FastifyReply, 'elapsedTime'>,
  events: TracedPublish['events'],
): TracedPublish => ({
  events,
  route: routeOptions.url ?? '',
  traceparent: headers['traceparent'],
  elapsedMs: elapsedTime,
});

function toRefusal(
  result: PublishRefusal,
  { typeAt, payloadAt, keyAt }: { typeAt: string; payloadAt: string; keyAt: string },
): Error {
  switch (result.outcome) {
    case 'key_reused':
      return new IdempotencyKeyReused(keyAt);
    case 'type_unknown':
      return new EventTypeUnknown(typeAt, result.type);
    case 'schema_mismatch':
      return new SchemaMismatch(payloadAt, result);
    case 'schema_changed':
      return new Unavailable(new Error(`the schema of ${result.type} changed during the publish`));
    case 'account_unknown':
      return new NotFound('account');
    case 'account_locked':
      return new Unavailable(new Error('the row of the account is locked'));
    default:
      return result satisfies never;
  }
}
