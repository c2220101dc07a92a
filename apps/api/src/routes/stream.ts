import type { Readable } from 'node:stream';
import {
  EventStreamHeaders,
  EventStreamQuery,
  StreamHeaders,
  type StreamedAttempt,
  type StreamedDelivery,
  type StreamedEvent,
  StreamQuery,
  toTypeId,
  toUuid,
} from '@posthorn/contract';
import {
  type Change,
  CHANGES,
  type Following,
  NEW_EVENTS,
  type NewEvent,
  openAccessWatch,
  openFollower,
} from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Routes } from '../deps.js';
import { TooManyStreams, Unauthenticated, Unavailable } from '../errors.js';
import { type EventStream, openEventStream } from '../event-stream.js';
import { accessIdOf, type Caller } from '../plugins/api-key.js';
import { openShares, type Share } from '../shares.js';
import { AccountParams, requireAccount, uuidOf } from './params.js';

const tags = ['Stream'];
const BEAT_MS = 15_000;
/** Open streams per process: each costs a connection and a buffer of up to 256 KiB. A stream counts for its caller (a portal, or an
 *  account key with its sessions), for its account and for the process. */
const MAX_PER_CALLER = 5;
const MAX_PER_ACCOUNT = 20;
const MAX_PER_PROCESS = 500;
/** A stream of events has a larger buffer, since one event may have 256 KiB. */
const MAX_EVENT_STREAMS = 100;
const EVENTS_BUFFERED_BYTES = 1024 * 1024;
const PER_SECOND = 100;
/** As many events as a stream may catch up on when it starts. */
const BURST = 1_000;

const RULES =
  'To continue after a disconnect, send the last received `id` as `Last-Event-ID`. A stream without this header begins with `started`, so that there always is one. The stream then starts with the later events of the last ten minutes, at most 1,000. Some events may repeat; recognize them ' +
  'by their `id`. Above 100 events per second, or for a slow reader, events are skipped. A `skipped` event has their ' +
  '`count` (null: unknown), and the lists contain all of them. The stream ends within a second after its session or key ' +
  'ends. An account key or a portal can open 5 streams, an account 20, the operator 20 streams of all accounts, ' +
  'and a process 500, of which 100 can be streams of events; one more is a 429.';
const description =
  'Server-sent events: `delivery` for each new delivery and `attempt` for each recorded attempt, as ' +
  `small JSON, and a comment every 15 s. ${RULES}`;
const text = z
  .custom<Readable>()
  .meta({ type: 'string', description: 'Server-sent events, as defined in the HTML standard.' });
const response = { 200: { description: 'The stream.', content: { 'text/event-stream': { schema: text } } } };

export const streamRoutes: Routes<'db' | 'log'> = (app, deps) => {
  const changes = openFollower(deps, CHANGES);
  const events = openFollower(deps, NEW_EVENTS);
  const access = openAccessWatch(deps);
  const acquireShares = openShares();
  const open = new Set<EventStream>();
  let isClosed = false;

  // preClose runs before the server waits for open connections, and streams never become idle.
  app.addHook('preClose', async () => {
    isClosed = true;
    for (const stream of open) stream.end();
    await Promise.all([changes.close(), events.close()]);
  });

  app.get(
    '/v1/accounts/:account/stream',
    {
      exposeHeadRoute: false,
      config: { allow: 'deliveries:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'stream.ofAccount',
        summary: 'Follow the deliveries of an account',
        description,
        tags,
        params: AccountParams,
        querystring: StreamQuery,
        headers: StreamHeaders,
        response,
      },
    },
    async (request, reply) => {
      const { account } = request.params;
      await requireAccount(deps, account, []);
      const readable = await followChanges(
        request,
        account,
        request.query.subscription,
        request.headers['last-event-id'],
      );
      return reply.type('text/event-stream').headers(STREAM_HEADERS).send(readable);
    },
  );

  app.get(
    '/v1/accounts/:account/events/stream',
    {
      exposeHeadRoute: false,
      config: { allow: 'events:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'stream.ofEvents',
        summary: 'Follow the events of an account',
        description:
          'Server-sent events: `event` for each published event, with the exact text that subscriptions receive, and a comment every 15 s. ' +
          'For development: forward each event to a local endpoint. `posthorn listen` does this. Test events and events without deliveries ' +
          `(\`metadata.disable_webhook_events\`) are not sent. ${RULES}`,
        tags,
        params: AccountParams,
        querystring: EventStreamQuery,
        headers: EventStreamHeaders,
        response,
      },
    },
    async (request, reply) => {
      const { account } = request.params;
      await requireAccount(deps, account, []);
      const lastId = request.headers['last-event-id'];
      const stream = { accountId: account, hasBodies: true, prefix: 'evt', lastId } as const;
      const readable = await follow(request, stream, (eventStream) =>
        events.follow({
          accountId: account,
          filter: request.query.event ?? null,
          after: lastId === undefined ? null : uuidOf('evt', lastId),
          onRows: (rows) => {
            for (const row of rows) eventStream.send({ name: 'event', ...eventJson(row) });
          },
          onSkipped: (count) => eventStream.skip(count),
        }),
      );
      return reply.type('text/event-stream').headers(STREAM_HEADERS).send(readable);
    },
  );

  app.get(
    '/v1/stream',
    {
      exposeHeadRoute: false,
      config: { allow: 'operator', problems: ['rate_limited'] },
      schema: {
        operationId: 'stream.ofAll',
        summary: 'Follow the deliveries of all accounts',
        description,
        tags,
        querystring: StreamQuery,
        headers: StreamHeaders,
        response,
      },
    },
    async (request, reply) => {
      const readable = await followChanges(request, null, request.query.subscription, request.headers['last-event-id']);
      return reply.type('text/event-stream').headers(STREAM_HEADERS).send(readable);
    },
  );

  const followChanges = (
    request: FastifyRequest,
    accountId: string | null,
    subscriptions: string[] | undefined,
    lastId: string | undefined,
  ): Promise<Readable> =>
    follow(request, { accountId, hasBodies: false, prefix: 'dlv', lastId }, (eventStream) =>
      changes.follow({
        accountId,
        filter: subscriptions?.map((id) => uuidOf('sub', id)) ?? null,
        after: lastId === undefined ? null : uuidOfEither(lastId),
        onRows: (rows) => {
          for (const change of rows) eventStream.send({ name: change.kind, ...changeJson(change) });
        },
        onSkipped: (count) => eventStream.skip(count),
      }),
    );

  /** Opens a stream within the limits of its caller. `start` follows the ledger until the stream ends. */
  async function follow(
    { caller }: FastifyRequest,
    { accountId, hasBodies, prefix, lastId }: StreamOptions,
    start: (eventStream: EventStream) => Promise<Following>,
  ): Promise<Readable> {
    if (caller === null) throw new Unauthenticated('Send a key in the header Authorization: Bearer <key>.');
    if (isClosed) throw new Unavailable(new Error('the API is shutting down'));
    const acquired = acquireShares([...(hasBodies ? [EVENT_STREAMS] : []), ...sharesOf(caller, accountId)]);
    if (acquired.outcome === 'full') throw new TooManyStreams(acquired.share.holder, acquired.share.max);
    const size = hasBodies ? { maxBufferedBytes: EVENTS_BUFFERED_BYTES } : {};
    const eventStream = openEventStream({ perSecond: PER_SECOND, burst: BURST, ...size });
    open.add(eventStream);

    let following: Following | null = null;
    let beat: NodeJS.Timeout | undefined;
    const accessId = accessIdOf(caller);
    const unwatch = accessId === null ? () => {} : access.add(accessId, () => eventStream.end());
    const close = () => {
      clearInterval(beat);
      unwatch();
      following?.stop();
      open.delete(eventStream);
      acquired.release();
    };
    eventStream.readable.on('close', close);

    try {
      following = await start(eventStream);
    } catch (error) {
      eventStream.readable.destroy();
      throw error;
    }
    if (isClosed) eventStream.end(); // closed during the await
    if (eventStream.readable.destroyed) {
      close();
      return eventStream.readable;
    }

    if (lastId === undefined) eventStream.send({ name: 'started', id: toTypeId(prefix, following.start), data: {} });
    beat = setInterval(() => eventStream.beat(), BEAT_MS);
    return eventStream.readable;
  }
};

interface StreamOptions {
  accountId: string | null;
  /** Its messages contain bodies of events. */
  hasBodies: boolean;
  /** Of its ids. */
  prefix: 'evt' | 'dlv';
  lastId: string | undefined;
}

const EVENT_STREAMS: Share = { holder: 'This server (streams of events)', max: MAX_EVENT_STREAMS };

/** Returns the limits that a stream counts for. An operator's stream counts for the account that it follows. */
function sharesOf(caller: Caller, accountId: string | null): Share[] {
  const account = accountId === null ? 'The operator' : `The account ${accountId}`;
  const shares = [
    { holder: account, max: MAX_PER_ACCOUNT },
    { holder: 'This server', max: MAX_PER_PROCESS },
  ];
  switch (caller.kind) {
    case 'operator':
      return shares;
    case 'account':
      return [{ holder: `The key ${toTypeId('key', caller.keyId)}`, max: MAX_PER_CALLER }, ...shares];
    case 'portal':
      return [
        { holder: `This portal session (${toTypeId('ses', caller.session.id)})`, max: MAX_PER_CALLER },
        ...shares,
      ];
    default:
      return caller satisfies never;
  }
}

// `close`, because an idle connection would delay the shutdown. `x-accel-buffering`, because proxies must not buffer events.
const STREAM_HEADERS = { connection: 'close', 'x-accel-buffering': 'no' };

const uuidOfEither = (id: string): string => toUuid('dlv', id) ?? uuidOf('att', id);

function changeJson(change: Change): { id: string; data: StreamedDelivery | StreamedAttempt } {
  const common = {
    accountId: change.accountId,
    subscriptionId: toTypeId('sub', change.subscriptionId),
    eventId: toTypeId('evt', change.eventId),
    event: change.eventType,
  };
  if (change.kind === 'delivery') {
    const id = toTypeId('dlv', change.id);
    return { id, data: { id, ...common, status: change.status, createdAt: change.createdAt.toISOString() } };
  }
  const id = toTypeId('att', change.id);
  const { number, trigger, outcome, statusCode, durationMs } = change;
  return {
    id,
    data: {
      id,
      ...common,
      deliveryId: toTypeId('dlv', change.deliveryId),
      status: change.deliveryStatus,
      number,
      trigger,
      outcome,
      statusCode,
      durationMs,
      startedAt: change.startedAt.toISOString(),
    },
  };
}

function eventJson({ id, accountId, type, body, createdAt }: NewEvent): { id: string; data: StreamedEvent } {
  const eventId = toTypeId('evt', id);
  const common = { id: eventId, accountId, event: type, createdAt: createdAt.toISOString() };
  return { id: eventId, data: { ...common, body: body.toString('utf8') } };
}
