import type { Readable } from 'node:stream';
import {
  StreamHeaders,
  type StreamedAttempt,
  type StreamedDelivery,
  StreamQuery,
  toTypeId,
  toUuid,
} from '@posthorn/contract';
import { type Change, openAccessWatch, openFollower } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Routes } from '../deps.js';
import { NotFound, TooManyStreams, Unauthenticated, Unavailable } from '../errors.js';
import { type EventStream, openEventStream } from '../event-stream.js';
import { accessIdOf, type Caller } from '../plugins/api-key.js';
import { openShares, type Share } from '../shares.js';
import { AccountParams, uuidOf } from './params.js';

const tags = ['Stream'];
const BEAT_MS = 15_000;
/** Streams at once, per process: each costs a connection and up to 256 KiB that wait in it. A portal or an account key (with the
 *  sessions that it opened) has a part of what its account has, and an account a part of what the process has. */
const MOST_OF_CALLER = 5;
const MOST_OF_ACCOUNT = 20;
const MOST_OF_PROCESS = 500;
const PER_SECOND = 100;
/** As many as a stream may have to catch up with at its start. */
const BURST = 1_000;

const description =
  'Server-sent events: `delivery` for each new delivery and `attempt` for each attempt that was recorded, within moments, as ' +
  'small JSON; and a comment every 15 s. Its `id` is the row’s: sent as `Last-Event-ID`, what came after it comes first (of ' +
  'the last ten minutes and at most a thousand), so that none is missed. Some of those just before may come again: tell them ' +
  'by their `id`. Of more than 100 a second, and for a reader that is too slow, some are left out: `skipped` then has their ' +
  '`count` (null: unknown), and the lists have them all. The stream ends within a second after the session or the key that it was ' +
  'opened with. At once, an account key or a portal has at most 5 streams, an account 20, the operator’s stream of all accounts 20 ' +
  'and a process 500; one more is a 429.';
const text = z.custom<Readable>().meta({ type: 'string', description: 'Events, in the format of the HTML standard.' });
const response = { 200: { description: 'The stream.', content: { 'text/event-stream': { schema: text } } } };

export const streamRoutes: Routes<'db' | 'log'> = (app, deps) => {
  const follower = openFollower(deps);
  const access = openAccessWatch(deps);
  const takeShare = openShares();
  const open = new Set<EventStream>();
  let isClosed = false;

  // Before the server waits for its connections: these would never become idle.
  app.addHook('preClose', async () => {
    isClosed = true;
    for (const stream of open) stream.end();
    await follower.close();
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
      if ((await deps.db.prisma.account.count({ where: { id: account, deletedAt: null } })) === 0)
        throw new NotFound('account');
      const readable = await follow(request, account, request.query.subscription, request.headers['last-event-id']);
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
      const readable = await follow(request, null, request.query.subscription, request.headers['last-event-id']);
      return reply.type('text/event-stream').headers(STREAM_HEADERS).send(readable);
    },
  );

  async function follow(
    { caller }: FastifyRequest,
    accountId: string | null,
    subscriptions: string[] | undefined,
    lastId: string | undefined,
  ): Promise<Readable> {
    if (caller === null) throw new Unauthenticated('Send a key: authorization: Bearer <key>.');
    if (isClosed) throw new Unavailable(new Error('the API is shutting down'));
    const taken = takeShare(sharesOf(caller, accountId));
    if (taken.outcome === 'full') throw new TooManyStreams(taken.share.holder, taken.share.most);
    const eventStream = openEventStream({ perSecond: PER_SECOND, burst: BURST });
    open.add(eventStream);

    let following: { stop(): void } | null = null;
    let beat: NodeJS.Timeout | undefined;
    const accessId = accessIdOf(caller);
    const unwatch = accessId === null ? () => {} : access.add(accessId, () => eventStream.end());
    const close = () => {
      clearInterval(beat);
      unwatch();
      following?.stop();
      open.delete(eventStream);
      taken.release();
    };
    eventStream.readable.on('close', close);

    try {
      following = await follower.follow({
        accountId,
        subscriptionIds: subscriptions?.map((id) => uuidOf('sub', id)) ?? null,
        after: lastId === undefined ? null : uuidOfEither(lastId),
        onChanges: (changes) => {
          for (const change of changes) eventStream.send({ name: change.kind, ...changeJson(change) });
        },
        onSkipped: (count) => eventStream.skip(count),
      });
    } catch (error) {
      eventStream.readable.destroy();
      throw error;
    }
    if (isClosed) eventStream.end(); // meanwhile
    if (eventStream.readable.destroyed) {
      close();
      return eventStream.readable;
    }

    beat = setInterval(() => eventStream.beat(), BEAT_MS);
    return eventStream.readable;
  }
};

/** What a stream takes a part of. The operator has no part of its own: it counts for whichever account it looks at. */
function sharesOf(caller: Caller, accountId: string | null): Share[] {
  const account = accountId === null ? 'The operator' : `The account ${accountId}`;
  const shares = [
    { holder: account, most: MOST_OF_ACCOUNT },
    { holder: 'This server', most: MOST_OF_PROCESS },
  ];
  switch (caller.kind) {
    case 'operator':
      return shares;
    case 'account':
      return [{ holder: `The key ${toTypeId('key', caller.keyId)}`, most: MOST_OF_CALLER }, ...shares];
    case 'portal':
      return [
        { holder: `This portal session (${toTypeId('ses', caller.session.id)})`, most: MOST_OF_CALLER },
        ...shares,
      ];
    default:
      return caller satisfies never;
  }
}

// Its connection is of no use afterwards, and would keep a process that is to end; and no proxy may gather what it sends.
const STREAM_HEADERS = { connection: 'close', 'x-accel-buffering': 'no' };

const uuidOfEither = (id: string): string => toUuid('dlv', id) ?? uuidOf('att', id);

function changeJson(change: Change): { id: string; data: StreamedDelivery | StreamedAttempt } {
  const of = {
    accountId: change.accountId,
    subscriptionId: toTypeId('sub', change.subscriptionId),
    eventId: toTypeId('evt', change.eventId),
    event: change.eventType,
  };
  if (change.kind === 'delivery') {
    const id = toTypeId('dlv', change.id);
    return { id, data: { id, ...of, status: change.status, createdAt: change.createdAt.toISOString() } };
  }
  const id = toTypeId('att', change.id);
  const { number, trigger, outcome, statusCode, durationMs } = change;
  return {
    id,
    data: {
      id,
      ...of,
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
