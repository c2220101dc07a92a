import { Account, AccountList, AccountQuery, DayStats, PutAccount } from '@posthorn/contract';
import { countSubscriptions, deleteAccount, putAccount, readAccountDays } from '@posthorn/core';
import type { Account as Row } from '@posthorn/core';
import { z } from 'zod';
import { beforeTime, toPage } from '../cursor.js';
import type { ApiDeps, Routes } from '../deps.js';
import { AccountReserved, InvalidRequest, NotFound } from '../errors.js';
import { given } from '../given.js';
import { AccountParams } from './params.js';
import { accountStatsJson } from './stats-json.js';
import { storedObject } from './stored-json.js';

const tags = ['Accounts'];

export const accountRoutes: Routes = (app, { db, operationsAccount }) => {
  app.put(
    '/v1/accounts/:account',
    {
      config: { audit: { target: 'account' }, allow: 'operator', problems: ['account_reserved'] },
      schema: {
        operationId: 'accounts.put',
        summary: 'Create an account, or change it',
        description:
          'The id in `OPERATIONS_ACCOUNT` is reserved: its subscriptions get a notification when deliveries of any account fail. ' +
          'A body without `"operations": true` is a 409 there, so that no tenant gets it by its name.',
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
          'For a tenant, choose another id or another OPERATIONS_ACCOUNT. For operators, add "operations": true.';
        throw new AccountReserved(params.account, remedy);
      }
      if (operations && !isOperations) {
        throw new InvalidRequest([{ path: 'operations', message: `is for the account ${operationsAccount} only` }]);
      }
      const { outcome, account } = await putAccount({ db }, { id: params.account, ...given(body) });
      return reply.code(outcome === 'created' ? 201 : 200).send(accountJson(account));
    },
  );

  app.get(
    '/v1/accounts',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'accounts.list',
        summary: 'List accounts',
        tags,
        querystring: AccountQuery,
        response: { 200: AccountList },
      },
    },
    async ({ query: { limit, cursor, stats } }) => {
      const before = beforeTime('accounts', cursor);
      const rows = await db.prisma.account.findMany({
        where: before
          ? { OR: [{ createdAt: { lt: before.createdAt } }, { createdAt: before.createdAt, id: { lt: before.name } }] }
          : {},
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: limit + 1,
      });
      const statsOf = await dayOf({ db }, stats ? rows.map(({ id }) => id) : []);
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
      const account = await db.prisma.account.findUnique({ where: { id: params.account } });
      if (!account) throw new NotFound('account');
      const statsOf = await dayOf({ db }, stats ? [account.id] : []);
      return { ...accountJson(account), ...statsOf(account.id) };
    },
  );

  app.delete(
    '/v1/accounts/:account',
    {
      config: { audit: { target: 'account' }, allow: 'operator' },
      schema: {
        operationId: 'accounts.delete',
        summary: 'Delete an account with all that is its own',
        description: 'Its keys, subscriptions, events, deliveries and attempts go with it, at once and for good.',
        tags,
        params: AccountParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      if (!(await deleteAccount({ db }, { id: params.account }))) throw new NotFound('account');
      return reply.code(204).send();
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

/** The last day of these accounts, in two statements; of others nothing is told. */
async function dayOf({ db }: Pick<ApiDeps, 'db'>, ids: string[]): Promise<(id: string) => Pick<Account, 'stats'>> {
  if (ids.length === 0) return () => ({});
  const [days, countOf] = await Promise.all([readAccountDays(db.pool, { ids }), countSubscriptions(db.pool, ids)]);
  const stats = new Map(days.map((day, index) => [ids[index], day]));
  return (id) => {
    const day = stats.get(id);
    return day ? { stats: accountStatsJson(day, countOf.get(id) ?? 0) } : {};
  };
}
