import { type Attention, AttentionList, ListQuery, toTypeId } from '@posthorn/contract';
import { type Attention as Row, listAttention } from '@posthorn/core';
import { beforeTimeAndId, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { AccountParams, requireAccount } from './params.js';

const tags = ['Subscriptions'];

export const attentionRoutes: Routes<'db'> = (app, { db }) => {
  async function read(accountId: string | null, { limit, cursor }: { limit: number; cursor?: string | undefined }) {
    const rows = await listAttention(db.pool, {
      accountId,
      before: beforeTimeAndId('attention', cursor),
      limit: limit + 1,
    });
    if (accountId !== null) await requireAccount({ db }, accountId, rows);
    return toPage(rows, {
      limit,
      list: 'attention',
      keyOf: ({ since, subscriptionId }) => [since.toISOString(), subscriptionId],
      itemOf: attentionJson,
    });
  }

  app.get(
    '/v1/attention',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'attention.list',
        summary: 'List subscriptions that need attention',
        description:
          'Subscriptions of all accounts that Posthorn disabled, that are failing, whose verification failed, or ' +
          'that have overdue deliveries. Newest `since` first.',
        tags,
        querystring: ListQuery,
        response: { 200: AttentionList },
      },
    },
    ({ query }) => read(null, query),
  );

  app.get(
    '/v1/accounts/:account/attention',
    {
      config: { allow: 'subscriptions:read' },
      schema: {
        operationId: 'attention.listOfAccount',
        summary: 'List subscriptions of an account that need attention',
        description: 'Like `GET /v1/attention`, for one account.',
        tags,
        params: AccountParams,
        querystring: ListQuery,
        response: { 200: AttentionList },
      },
    },
    ({ params, query }) => read(params.account, query),
  );
};

const attentionJson = (row: Row): Attention => ({
  subscriptionId: toTypeId('sub', row.subscriptionId),
  accountId: row.accountId,
  url: row.url,
  ...reasonOf(row),
  since: row.since.toISOString(),
});

function reasonOf({ isOverdue, status, statusReason, verificationReason }: Row): Pick<Attention, 'reason' | 'detail'> {
  if (isOverdue) return { reason: 'overdue', detail: null };
  if (status === 'disabled') return { reason: 'disabled', detail: statusReason };
  if (status === 'unverified') return { reason: 'unverified', detail: verificationReason };
  return { reason: 'failing', detail: null };
}
