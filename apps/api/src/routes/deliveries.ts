import {
  Delivery,
  DeliveryCountQuery,
  DeliveryDetail,
  DeliveryList,
  DeliveryQuery,
  ListCount,
  MAX_COUNT,
} from '@posthorn/contract';
import { requestRetry, countListed, searchDeliveries } from '@posthorn/core';
import { pageRange, searchedJson, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { NotFound, NotPossible } from '../errors.js';
import { readList } from '../read-list.js';
import { attemptJson, deliveryJson, readShown } from './delivery-json.js';
import { readPage, wantedOf } from './delivery-page.js';
import { AccountParams, DeliveryParams, requireAccount, uuidOf } from './params.js';

const tags = ['Deliveries'];
/** Attempts in the detail of a delivery. Each may have 4 KiB of a response and its headers. */
const MAX_ATTEMPTS = 100;

export const deliveryRoutes: Routes<'db' | 'reader' | 'enqueue' | 'cipher' | 'retries'> = (app, deps) => {
  const { db } = deps;

  app.get(
    '/v1/accounts/:account/deliveries',
    {
      config: { mayLag: true, allow: 'deliveries:read' },
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
      const wanted = { ...wantedOf(account, query), ...pageRange('deliveries', query) };
      const { rows, searchedTo, shownOf } = await readList(deps, reply, async (from) => {
        const found = await readPage(from, wanted);
        return { ...found, shownOf: await readShown(from, found.rows) };
      });
      await requireAccount(deps, account, rows);
      const page = toPage(rows, {
        limit,
        list: 'deliveries',
        keyOf: ({ id }) => [id],
        itemOf: (row) => deliveryJson(deps, row, shownOf(row)),
      });
      return { ...page, ...searchedJson('deliveries', searchedTo) };
    },
  );

  app.get(
    '/v1/accounts/:account/deliveries/count',
    {
      config: { mayLag: true, allow: 'deliveries:read' },
      schema: {
        operationId: 'deliveries.count',
        summary: 'Count deliveries',
        description:
          `Counts the deliveries that match the filters. Counting stops after ${MAX_COUNT} matches, or after a bounded search ` +
          'if few deliveries match. `more` is then true. With `q`, it searches as many payloads as a page.',
        tags,
        params: AccountParams,
        querystring: DeliveryCountQuery,
        response: { 200: ListCount },
      },
    },
    async ({ params: { account }, query }, reply) => {
      const { text, ...wanted } = { ...wantedOf(account, query), limit: MAX_COUNT + 1 };
      const { count, isAll } = await readList(deps, reply, async ({ pool }) => {
        if (text === undefined) return countListed(pool, wanted);
        const { rows, searchedTo } = await searchDeliveries(pool, { ...wanted, text });
        return { count: rows.length, isAll: searchedTo === null };
      });
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
      const [attempts, shownOf] = await Promise.all([
        db.prisma.attempt.findMany({
          where: { deliveryId: row.id, accountId: key.accountId },
          orderBy: { number: 'desc' },
          take: MAX_ATTEMPTS,
        }),
        readShown(db, [row]),
      ]);
      return {
        ...deliveryJson(deps, row, shownOf(row)),
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
        summary: 'Retry a delivery now',
        description:
          'Works for every status: a succeeded delivery is sent again. If the attempt fails, a `failed` delivery stays failed and a ' +
          '`pending` one keeps its schedule.',
        tags,
        params: DeliveryParams,
        response: { 202: Delivery },
      },
    },
    async ({ params }, reply) => {
      const result = await requestRetry(deps, { accountId: params.account, id: uuidOf('dlv', params.delivery) });
      switch (result.outcome) {
        case 'requested': {
          const shownOf = await readShown(db, [result.delivery]);
          return reply.code(202).send(deliveryJson(deps, result.delivery, shownOf(result.delivery)));
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
