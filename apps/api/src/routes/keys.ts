import { CreatedKey, CreateKey, type Key, KeyList, ListQuery, SCOPES, toTypeId } from '@posthorn/contract';
import { type ApiKey, createKey, newestIds, revokeKey } from '@posthorn/core';
import { z } from 'zod';
import { pageRange, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { AccountReserved, NotFound } from '../errors.js';
import { AccountParams, KeyParams, requireAccount, uuidOf } from './params.js';

const tags = ['Accounts'];

export const keyRoutes: Routes<'db' | 'operationsAccount'> = (app, { db, operationsAccount }) => {
  app.post(
    '/v1/accounts/:account/keys',
    {
      config: {
        audit: { target: 'key', notes: ['name', 'scopes'] },
        allow: 'operator',
        problems: ['account_reserved'],
      },
      schema: {
        operationId: 'keys.create',
        summary: 'Create an account key',
        description: 'Only this response contains the key. Posthorn stores its hash.',
        tags,
        params: AccountParams,
        body: CreateKey,
        response: { 201: CreatedKey },
      },
    },
    async ({ params, body }, reply) => {
      if (params.account === operationsAccount) {
        throw new AccountReserved(params.account, 'It has no keys. Use the operator key.');
      }
      const { name, scopes = [...SCOPES] } = body;
      const result = await createKey({ db }, { accountId: params.account, name, scopes });
      if (result.outcome === 'account_unknown') throw new NotFound('account');
      const { lastUsedAt: _, ...shown } = keyJson(result.apiKey);
      return reply.code(201).send({ ...shown, key: result.key });
    },
  );

  app.get(
    '/v1/accounts/:account/keys',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'keys.list',
        summary: 'List account keys',
        tags,
        params: AccountParams,
        querystring: ListQuery,
        response: { 200: KeyList },
      },
    },
    async ({ params: { account }, query: { limit, cursor } }) => {
      const ids = await newestIds(db.pool, {
        table: 'api_keys',
        of: { account_id: account },
        ...pageRange('keys', { limit, cursor }),
      });
      const rows = await db.prisma.apiKey.findMany({ where: { id: { in: ids } }, orderBy: { id: 'desc' } });
      await requireAccount({ db }, account, rows);
      return toPage(rows, { limit, list: 'keys', keyOf: ({ id }) => [id], itemOf: keyJson });
    },
  );

  app.delete(
    '/v1/accounts/:account/keys/:key',
    {
      config: { audit: { target: 'key' }, allow: 'operator' },
      schema: {
        operationId: 'keys.revoke',
        summary: 'Revoke an account key',
        description: 'Takes effect immediately: the next request with it is a 401.',
        tags,
        params: KeyParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      const revoked = await revokeKey({ db }, { accountId: params.account, id: uuidOf('key', params.key) });
      if (!revoked) throw new NotFound('key');
      return reply.code(204).send();
    },
  );
};

const keyJson = ({ id, name, scopes, createdAt, lastUsedAt }: ApiKey): Key => ({
  id: toTypeId('key', id),
  name,
  scopes,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
});
