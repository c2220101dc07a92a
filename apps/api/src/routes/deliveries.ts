import {
  Delivery,
  DeliveryCountQuery,
  DeliveryDetail,
  DeliveryList,
  DeliveryQuery,
  ListCount,
  MAX_COUNT,
  toTypeId,
  type Waiting,
} from '@posthorn/contract';
import { askForRetry, countListed, idTime, listDeliveries, readWaiting, type WhyWaiting } from '@posthorn/core';
import type { z } from 'zod';
import { pageWanted, toPage, writeCursor } from '../cursor.js';
import type { Routes } from '../deps.js';
import { NotFound, NotPossible } from '../errors.js';
import { readList } from '../read-list.js';
import { attemptJson, deliveryJson, urlsOf } from './delivery-json.js';
import { AccountParams, DeliveryParams, requireAccount, uuidOf } from './params.js';

const tags = ['Deliveries'];
/** With a delivery. Each may have 4 KiB of a response and its headers. */
const SHOWN_ATTEMPTS = 100;

export const deliveryRoutes: Routes<'db' | 'reader' | 'enqueue' | 'cipher' | 'maxAttempts'> = (app, deps) => {
  const { db } = deps;

  app.get(
    '/v1/accounts/:account/deliveries',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'deliveries.list',
        summary: 'List deliveries',
        tags,
        params: AccountParams,
        querystring: DeliveryQuery,
        response: { 200: DeliveryList },
      },
    },
    async ({ params: { account }, query }, reply) => {
      const { limit } = query;
      const wanted = { ...wantedOf(account, query), ...pageWanted('deliveries', query) };
      const { rows, searchedTo, urlOf } = await readList(deps, reply, async (from) => {
        const found = await listDeliveries(from.pool, wanted);
        return { ...found, urlOf: await urlsOf({ db: from }, found.rows) };
      });
      await requireAccount(deps, account, rows);
      const page = toPage(rows, {
        limit,
        list: 'deliveries',
        keyOf: ({ id }) => [id],
        itemOf: (row) => deliveryJson(deps, row, urlOf(row)),
      });
      return {
        ...page,
        ...(searchedTo === null
          ? { searchedBackTo: null }
          : { nextCursor: writeCursor('deliveries', [searchedTo]), searchedBackTo: idTime(searchedTo).toISOString() }),
      };
    },
  );

  app.get(
    '/v1/accounts/:account/deliveries/count',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'deliveries.count',
        summary: 'Count deliveries',
        description:
          `How many the list has in all with the same filters. It stops at ${MAX_COUNT}, and where few match the filters ` +
          'when it has looked at so many.',
        tags,
        params: AccountParams,
        querystring: DeliveryCountQuery,
        response: { 200: ListCount },
      },
    },
    async ({ params: { account }, query }, reply) => {
      const wanted = { ...wantedOf(account, query), limit: MAX_COUNT + 1 };
      const { count, isAll } = await readList(deps, reply, (from) => countListed(from.pool, wanted));
      if (count === 0) await requireAccount(deps, account, []);
      return { count: Math.min(count, MAX_COUNT), more: !isAll };
    },
  );

  app.get(
    '/v1/accounts/:account/deliveries/:delivery',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'deliveries.get',
        summary: 'Get a delivery with its attempts',
        tags,
        params: DeliveryParams,
        response: { 200: DeliveryDetail },
      },
    },
    async ({ params }) => {
      const key = { accountId: params.account, id: uuidOf('dlv', params.delivery) };
      const row = await db.prisma.delivery.findFirst({ where: key });
      if (!row) throw new NotFound('delivery');
      const [attempts, urlOf, waiting] = await Promise.all([
        db.prisma.attempt.findMany({
          where: { deliveryId: row.id, accountId: key.accountId },
          orderBy: { number: 'desc' },
          take: SHOWN_ATTEMPTS,
        }),
        urlsOf(deps, [row]),
        readWaiting(db.pool, key),
      ]);
      return {
        ...deliveryJson(deps, row, urlOf(row)),
        waitingFor: waiting && waitingJson(waiting),
        attempts: attempts.toReversed().map((attempt) => attemptJson(attempt, row)),
      };
    },
  );

  app.post(
    '/v1/accounts/:account/deliveries/:delivery/retry',
    {
      config: { audit: { target: 'delivery' }, allow: 'deliveries:write', problems: ['invalid_request'] },
      schema: {
        operationId: 'deliveries.retry',
        summary: 'Make one attempt now',
        description:
          'Whatever the state: a succeeded delivery is sent once more. If it fails, a `failed` one stays failed and a ' +
          '`pending` one keeps its schedule.',
        tags,
        params: DeliveryParams,
        response: { 202: Delivery },
      },
    },
    async ({ params }, reply) => {
      const result = await askForRetry(deps, { accountId: params.account, id: uuidOf('dlv', params.delivery) });
      switch (result.outcome) {
        case 'asked': {
          const urlOf = await urlsOf(deps, [result.delivery]);
          return reply.code(202).send(deliveryJson(deps, result.delivery, urlOf(result.delivery)));
        }
        case 'not_found':
          throw new NotFound('delivery');
        case 'not_possible':
          throw new NotPossible(result.reason);
        default:
          return result satisfies never;
      }
    },
  );
};

function waitingJson({ state, until, behind }: WhyWaiting): Waiting {
  const id = behind && ('eventId' in behind ? toTypeId('evt', behind.eventId) : toTypeId('dlv', behind.deliveryId));
  return { state, until: until?.toISOString() ?? null, behind: id ?? null };
}

function wantedOf(account: string, query: z.infer<typeof DeliveryCountQuery>) {
  const { subscription, event, eventType, status, outcome, trigger, replay, from, to } = query;
  return {
    accountId: account,
    subscriptionIds: subscription?.map((id) => uuidOf('sub', id)),
    eventId: event && uuidOf('evt', event),
    replayId: replay && uuidOf('rpl', replay),
    eventTypes: eventType,
    statuses: status,
    outcomes: outcome,
    triggers: trigger,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}
