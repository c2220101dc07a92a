import {
  Account,
  AccountId,
  AccountList,
  AccountQuery,
  DayStats,
  DeletedAccount,
  MAX_WAITING_OF_ROW,
  PutAccount,
} from '@posthorn/contract';
import {
  countSubscriptions,
  countWaitingOfAccounts,
  deleteAccount,
  listAccountsBySuccess,
  listAccountsByWaiting,
  putAccount,
  readAccountDays,
  searchAccounts,
} from '@posthorn/core';
import type { Account as Row } from '@posthorn/core';
import { z } from 'zod';
import { afterPlace, beforeTime, refuseSortedSearch, toPage, toSearchPage } from '../cursor.js';
import type { ApiDeps, Routes } from '../deps.js';
import { AccountErasing, AccountReserved, InvalidRequest, NotFound } from '../errors.js';
import { given } from '../given.js';
import { inOrder, pageSorted } from '../page-sorted.js';
import { readList } from '../read-list.js';
import { AccountParams } from './params.js';
import { accountStatsJson } from './stats-json.js';
import { storedObject } from './stored-json.js';

const tags = ['Accounts'];

export const accountRoutes: Routes<'db' | 'reader' | 'operationsAccount'> = (
  app,
  { db, reader, operationsAccount },
) => {
  app.put(
    '/v1/accounts/:account',
    {
      config: {
        audit: { target: 'account' },
        allow: 'operator',
        findsAccount: true,
        problems: ['account_reserved', 'account_erasing'],
      },
      schema: {
        operationId: 'accounts.put',
        summary: 'Create or change an account',
        description:
          'The id in `OPERATIONS_ACCOUNT` is reserved for operators: its subscriptions receive an event when a delivery of any account fails. ' +
          'For this id, a body without `"operations": true` is a 409, so that a tenant cannot take it by accident. ' +
          'The id of a deleted account is a 409 until all its rows are erased.',
        tags,
        params: AccountParams,
        body: PutAccount,
        response: { 200: Account, 201: Account },
      },
    },
    async ({ params, body: { operations = false, ...body } }, reply) => {
      const isOperations = params.account === operationsAccount;
      if (isOperations && !operations) {
        const remedy =
          'For a tenant, choose another id or another OPERATIONS_ACCOUNT. For the operators, add "operations": true.';
        throw new AccountReserved(params.account, remedy);
      }
      if (operations && !isOperations) {
        throw new InvalidRequest([
          { path: 'operations', message: `is only allowed for the account ${operationsAccount}` },
        ]);
      }
      const result = await putAccount({ db }, { id: params.account, ...given(body) });
      if (result.outcome === 'erasing') throw new AccountErasing();
      return reply.code(result.outcome === 'created' ? 201 : 200).send(accountJson(result.account));
    },
  );

  app.get(
    '/v1/accounts',
    {
      config: { mayLag: true, allow: 'operator' },
      schema: {
        operationId: 'accounts.list',
        summary: 'List accounts',
        tags,
        querystring: AccountQuery,
        response: { 200: AccountList },
      },
    },
    async ({ query: { q, sort, limit, cursor, stats } }, reply) => {
      refuseSortedSearch({ q, sort });
      const isId = (id: string) => AccountId.safeParse(id).success;
      if (sort !== undefined) {
        const { page, rows, statsOf } = await readList({ reader }, reply, async (from) => {
          const found = await pageSorted({
            of: 'accounts',
            sort,
            cursor,
            limit,
            isId,
            waiting: (after) => listAccountsByWaiting(from.pool, { after, limit: limit + 1 }),
            success: (after) => listAccountsBySuccess(from.pool, { after, limit: limit + 1 }),
          });
          return {
            page: found,
            rows: await from.prisma.account.findMany({ where: { id: { in: found.ids }, deletedAt: null } }),
            statsOf: await dayOf({ db: from }, stats ? found.ids : []),
          };
        });
        const data = inOrder(page.ids, rows).map((row) => ({ ...accountJson(row), ...statsOf(row.id) }));
        return { data, ...page.rest };
      }
      if (q !== undefined) {
        const after = afterPlace('accountSearch', { cursor, isId });
        const { page, rows, statsOf } = await readList({ reader }, reply, async (from) => {
          const found = await searchAccounts(from.pool, { text: q, after, limit });
          return {
            page: found,
            rows: await from.prisma.account.findMany({ where: { id: { in: found.ids }, deletedAt: null } }),
            statsOf: await dayOf({ db: from }, stats ? found.ids : []),
          };
        });
        const itemOf = (row: Row) => ({ ...accountJson(row), ...statsOf(row.id) });
        return toSearchPage(page, { rows, list: 'accountSearch', itemOf });
      }
      const before = beforeTime('accounts', cursor);
      const { rows, statsOf } = await readList({ reader }, reply, async (from) => {
        const found = await from.prisma.account.findMany({
          where: {
            deletedAt: null,
            ...(before && {
              OR: [{ createdAt: { lt: before.createdAt } }, { createdAt: before.createdAt, id: { lt: before.name } }],
            }),
          },
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: limit + 1,
        });
        return { rows: found, statsOf: await dayOf({ db: from }, stats ? found.map(({ id }) => id) : []) };
      });
      return toPage(rows, {
        limit,
        list: 'accounts',
        keyOf: (row) => [row.createdAt.toISOString(), row.id],
        itemOf: (row) => ({ ...accountJson(row), ...statsOf(row.id) }),
      });
    },
  );

  app.get(
    '/v1/accounts/:account',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'accounts.get',
        summary: 'Get an account',
        tags,
        params: AccountParams,
        querystring: z.strictObject({ stats: DayStats.optional() }),
        response: { 200: Account },
      },
    },
    async ({ params, query: { stats } }) => {
      const account = await db.prisma.account.findFirst({ where: { id: params.account, deletedAt: null } });
      if (!account) throw new NotFound('account');
      const statsOf = await dayOf({ db }, stats ? [account.id] : []);
      return { ...accountJson(account), ...statsOf(account.id) };
    },
  );

  app.delete(
    '/v1/accounts/:account',
    {
      config: { audit: { target: 'account' }, allow: 'operator', findsAccount: true },
      schema: {
        operationId: 'accounts.delete',
        summary: 'Delete an account and all its data',
        description:
          'After the response, all other routes treat the account as unknown, its keys and portals are invalid, and nothing is ' +
          'sent for it. Workers erase its subscriptions, events, deliveries and attempts in the background. Repeat the ' +
          'request to see their progress: it is a 404 when everything is erased.',
        tags,
        params: AccountParams,
        response: { 202: DeletedAccount },
      },
    },
    async ({ params }, reply) => {
      const result = await deleteAccount({ db }, { id: params.account });
      if (result.outcome === 'not_found') throw new NotFound('account');
      const { deletedAt, erasedRows } = result;
      return reply.code(202).send({ id: params.account, deletedAt: deletedAt.toISOString(), erasedRows });
    },
  );
};

const accountJson = ({ id, name, metadata, createdAt, updatedAt }: Row): Account => ({
  id,
  name,
  metadata: storedObject(metadata),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

/** Reads the last day of these accounts with three statements. Returns a function that gives the `stats` of an account. */
async function dayOf({ db }: Pick<ApiDeps, 'db'>, ids: string[]): Promise<(id: string) => Pick<Account, 'stats'>> {
  if (ids.length === 0) return () => ({});
  const [days, countOf, waitingOf] = await Promise.all([
    readAccountDays(db.pool, { ids }),
    countSubscriptions(db.pool, ids),
    countWaitingOfAccounts(db.pool, { ids, most: MAX_WAITING_OF_ROW }),
  ]);
  const stats = new Map(days.map((day, index) => [ids[index], day]));
  return (id) => {
    const day = stats.get(id);
    return day
      ? { stats: accountStatsJson(day, { subscriptions: countOf.get(id) ?? 0, waiting: waitingOf.get(id) }) }
      : {};
  };
}
