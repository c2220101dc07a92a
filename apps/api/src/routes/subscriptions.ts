import {
  ChangedSubscription,
  ChangeSubscription,
  CreateSubscription,
  DayStats,
  MAX_WAITING_OF_ROW,
  Subscription,
  SubscriptionList,
  SubscriptionQuery,
  SubscriptionSearchQuery,
  uuidRange,
} from '@posthorn/contract';
import {
  changeSubscription,
  countWaitingOfSubscriptions,
  createSubscription,
  deleteSubscription,
  findSubscription,
  listSubscriptionsBySuccess,
  listSubscriptionsByWaiting,
  newestIds,
  readLastDeliveries,
  readSubscriptionDays,
  searchSubscriptions,
  SUBSCRIPTION_PARTS,
} from '@posthorn/core';
import { z } from 'zod';
import { afterPlace, isUuid, pageRange, refuseSortedSearch, toPage, toSearchPage } from '../cursor.js';
import type { ApiDeps, Routes } from '../deps.js';
import { NotFound, RateLimited, TooManySubscriptions } from '../errors.js';
import { given } from '../given.js';
import { inOrder, pageSorted } from '../page-sorted.js';
import {
  authenticationRefused,
  droppedNote,
  enteredAuthentication,
  filtersReached,
  headerNotStored,
  headersTooLarge,
  requireAuthorities,
  requireEventTypes,
  requireFilter,
  requireHeaders,
  requireRetryPolicy,
  requireUrl,
  requireValues,
} from './check-subscription.js';
import { AccountParams, requireAccount, SubscriptionParams, uuidOf } from './params.js';
import { subscriptionStatsJson } from './stats-json.js';
import { subscriptionJson } from './subscription-json.js';

const tags = ['Subscriptions'];

export const subscriptionRoutes: Routes<
  'db' | 'enqueue' | 'cipher' | 'maxSubscriptionsPerAccount' | 'addresses' | 'retries'
> = (app, deps) => {
  const { db } = deps;

  app.post(
    '/v1/accounts/:account/subscriptions',
    {
      config: {
        audit: { target: 'subscription' },
        allow: 'subscriptions:write',
        problems: ['url_not_allowed', 'unknown_event_type', 'quota_reached', 'rate_limited'],
      },
      schema: {
        operationId: 'subscriptions.create',
        summary: 'Create a subscription',
        description:
          'Posthorn sends the handshake to the URL immediately. The subscription is `unverified` until the URL passes it. An account has at most ' +
          '`MAX_SUBSCRIPTIONS_PER_ACCOUNT` subscriptions (default: 1,000); one more is a 409, ' +
          '`quota_reached`. An account starts at most 60 handshakes per minute; one more is a 429.',
        tags,
        params: AccountParams,
        body: CreateSubscription,
        response: { 201: Subscription },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const { events = [], headers = {} } = body;
      const url = requireUrl(deps, body.url);
      requireHeaders(headers);
      requireValues(headers);
      const authentication = enteredAuthentication(deps, body);
      requireAuthorities(body);
      requireRetryPolicy(deps, body);
      await requireFilter(deps, body);
      await requireEventTypes(deps, events);
      const result = await createSubscription(
        deps,
        { ...given({ ...body, authentication }), accountId: params.account, url, events, headers },
        { maxSubscriptions: deps.maxSubscriptionsPerAccount },
      );
      switch (result.outcome) {
        case 'created':
          request.auditAfter = result.subscription;
          return reply.code(201).send(subscriptionJson(deps, result.subscription));
        case 'account_unknown':
          throw new NotFound('account');
        case 'quota_reached':
          throw new TooManySubscriptions(deps.maxSubscriptionsPerAccount);
        case 'headers_too_large':
          throw headersTooLarge();
        case 'authentication_refused':
          throw authenticationRefused(result);
        case 'filters_reached':
          throw filtersReached();
        case 'rate_limited':
          throw new RateLimited(result.retryAfterSeconds);
        default:
          return result satisfies never;
      }
    },
  );

  app.get(
    '/v1/accounts/:account/subscriptions',
    {
      config: { allow: 'subscriptions:read' },
      schema: {
        operationId: 'subscriptions.list',
        summary: 'List subscriptions',
        tags,
        params: AccountParams,
        querystring: SubscriptionQuery,
        response: { 200: SubscriptionList },
      },
    },
    async ({ params: { account }, query: { q, sort, limit, cursor, status, stats } }) => {
      refuseSortedSearch({ q, sort });
      if (sort !== undefined) {
        const wanted = { accountId: account, statuses: status, limit: limit + 1 };
        const { ids, rest } = await pageSorted({
          of: 'subscriptions',
          sort,
          cursor,
          limit,
          isId: isUuid,
          waiting: (after) => listSubscriptionsByWaiting(db.pool, { ...wanted, after }),
          success: (after) => listSubscriptionsBySuccess(db.pool, { ...wanted, after }),
        });
        const rows = await db.prisma.subscription.findMany({
          where: { id: { in: ids }, deletedAt: null },
          include: SUBSCRIPTION_PARTS,
        });
        await requireAccount(deps, account, rows);
        const statsOf = await dayOf(deps, { accountId: account, ids: stats ? ids : [] });
        const data = inOrder(ids, rows).map((row) => ({ ...subscriptionJson(deps, row), ...statsOf(row.id) }));
        return { data, ...rest };
      }
      if (q !== undefined) {
        const { page, rows } = await search(deps, { accountId: account, q, limit, cursor, status });
        await requireAccount(deps, account, rows);
        const statsOf = await dayOf(deps, { accountId: account, ids: stats ? rows.map(({ id }) => id) : [] });
        return toSearchPage(page, {
          rows,
          list: 'subscriptionSearch',
          itemOf: (row) => ({ ...subscriptionJson(deps, row), ...statsOf(row.id) }),
        });
      }
      const ids = await newestIds(db.pool, {
        table: 'subscriptions',
        of: { account_id: account },
        filters: { status },
        isNull: 'deleted_at',
        ...pageRange('subscriptions', { limit, cursor }),
      });
      const rows = await db.prisma.subscription.findMany({
        where: { id: { in: ids }, deletedAt: null },
        include: SUBSCRIPTION_PARTS,
        orderBy: { id: 'desc' },
      });
      await requireAccount(deps, account, rows);
      const statsOf = await dayOf(deps, { accountId: account, ids: stats ? rows.map(({ id }) => id) : [] });
      return toPage(rows, {
        limit,
        list: 'subscriptions',
        keyOf: ({ id }) => [id],
        itemOf: (row) => ({ ...subscriptionJson(deps, row), ...statsOf(row.id) }),
      });
    },
  );

  app.get(
    '/v1/subscriptions',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'subscriptions.search',
        summary: 'Search the subscriptions of all accounts',
        tags,
        querystring: SubscriptionSearchQuery,
        response: { 200: SubscriptionList },
      },
    },
    async ({ query }) => {
      const { page, rows } = await search(deps, { accountId: null, ...query });
      return toSearchPage(page, { rows, list: 'subscriptionSearch', itemOf: (row) => subscriptionJson(deps, row) });
    },
  );

  app.get(
    '/v1/accounts/:account/subscriptions/:subscription',
    {
      config: { allow: 'subscriptions:read' },
      schema: {
        operationId: 'subscriptions.get',
        summary: 'Get a subscription',
        tags,
        params: SubscriptionParams,
        querystring: z.strictObject({ stats: DayStats.optional() }),
        response: { 200: Subscription },
      },
    },
    async ({ params, query: { stats } }) => {
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const row = await findSubscription(db, key);
      if (!row) throw new NotFound('subscription');
      const statsOf = await dayOf(deps, { accountId: key.accountId, ids: stats ? [row.id] : [] });
      return { ...subscriptionJson(deps, row), ...statsOf(row.id) };
    },
  );

  app.patch(
    '/v1/accounts/:account/subscriptions/:subscription',
    {
      config: {
        audit: { target: 'subscription' },
        allow: 'subscriptions:write',
        problems: ['url_not_allowed', 'unknown_event_type', 'rate_limited'],
      },
      schema: {
        operationId: 'subscriptions.change',
        summary: 'Change a subscription',
        description:
          'A new `url` is verified first. Until then the old one receives events, and the new one is `pendingUrl`. ' +
          'A `url` of another origin gets only the `headers` and the `authentication` of the same request: `headersDropped` and ' +
          '`authenticationDropped` name the others. ' +
          'A change of `headers` alone applies to `pendingUrl` if there is one, otherwise to `url`. ' +
          'An account starts at most 60 handshakes per minute; one more is a 429.',
        tags,
        params: SubscriptionParams,
        body: ChangeSubscription,
        response: { 200: ChangedSubscription },
      },
    },
    async (request) => {
      const { params, body } = request;
      const url = body.url === undefined ? undefined : requireUrl(deps, body.url);
      if (body.headers) requireHeaders(body.headers);
      const authentication = enteredAuthentication(deps, body);
      requireAuthorities(body);
      requireRetryPolicy(deps, body);
      await requireFilter(deps, body);
      if (body.events) await requireEventTypes(deps, body.events);
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const result = await changeSubscription(deps, { ...key, changes: given({ ...body, url, authentication }) });
      switch (result.outcome) {
        case 'changed':
          request.auditAfter = result.subscription;
          request.auditNotes = droppedNote(result);
          return {
            ...subscriptionJson(deps, result.subscription),
            headersDropped: result.headersDropped,
            authenticationDropped: result.authenticationDropped,
          };
        case 'header_not_stored':
          throw headerNotStored(result.name);
        case 'headers_too_large':
          throw headersTooLarge();
        case 'authentication_refused':
          throw authenticationRefused(result);
        case 'filters_reached':
          throw filtersReached();
        case 'not_found':
          throw new NotFound('subscription');
        case 'rate_limited':
          throw new RateLimited(result.retryAfterSeconds);
        default:
          return result satisfies never;
      }
    },
  );

  app.delete(
    '/v1/accounts/:account/subscriptions/:subscription',
    {
      config: { audit: { target: 'subscription' }, allow: 'subscriptions:write' },
      schema: {
        operationId: 'subscriptions.delete',
        summary: 'Delete a subscription',
        description: 'Cancels its pending deliveries. Its deliveries and their attempts remain readable.',
        tags,
        params: SubscriptionParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      const key = { accountId: params.account, id: uuidOf('sub', params.subscription) };
      const { outcome } = await deleteSubscription(deps, key);
      if (outcome === 'not_found') throw new NotFound('subscription');
      return reply.code(204).send();
    },
  );
};

/** Reads a page of the subscriptions of an account, or of all (null), whose URL, description or id begins with `q`. */
async function search(
  { db }: Pick<ApiDeps, 'db'>,
  {
    accountId,
    q,
    limit,
    cursor,
    status,
  }: {
    accountId: string | null;
    q: string;
    limit: number;
    cursor?: string | undefined;
    status?: string[] | undefined;
  },
) {
  const page = await searchSubscriptions(db.pool, {
    accountId,
    text: q,
    ids: uuidRange('sub', q.trim().toLowerCase()),
    statuses: status,
    after: afterPlace('subscriptionSearch', { cursor, isId: isUuid }),
    limit,
  });
  const rows = await db.prisma.subscription.findMany({
    where: { id: { in: page.ids }, deletedAt: null, ...(accountId !== null && { accountId }) },
    include: SUBSCRIPTION_PARTS,
  });
  return { page, rows };
}

/** Reads the last day of these subscriptions with three statements. Returns a function that gives the `stats` of a subscription. */
async function dayOf(
  { db }: Pick<ApiDeps, 'db'>,
  { accountId, ids }: { accountId: string; ids: string[] },
): Promise<(id: string) => Pick<Subscription, 'stats'>> {
  if (ids.length === 0) return () => ({});
  const [days, lastOf, waitingOf] = await Promise.all([
    readSubscriptionDays(db.pool, { accountId, ids }),
    readLastDeliveries(db.pool, { accountId, ids }),
    countWaitingOfSubscriptions(db.pool, { accountId, ids, most: MAX_WAITING_OF_ROW }),
  ]);
  const stats = new Map(days.map((day, index) => [ids[index], day]));
  return (id) => {
    const day = stats.get(id);
    return day ? { stats: subscriptionStatsJson(day, { last: lastOf.get(id), waiting: waitingOf.get(id) }) } : {};
  };
}
