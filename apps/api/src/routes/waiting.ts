import { WaitingDeliveries, WaitingQuery, MAX_COUNT, toTypeId } from '@posthorn/contract';
import { countWaiting, type WaitingCount } from '@posthorn/core';
import type { Routes } from '../deps.js';
import { NotFound } from '../errors.js';
import { readList } from '../read-list.js';
import { AccountParams, requireAccount, uuidOf } from './params.js';

export const waitingRoutes: Routes<'db' | 'reader'> = (app, deps) => {
  app.get(
    '/v1/accounts/:account/waiting',
    {
      config: { mayLag: true, allow: 'deliveries:read' },
      schema: {
        operationId: 'waiting.get',
        summary: 'Count waiting deliveries',
        description:
          'Counts the `pending` and `held` deliveries of the account or of one subscription. `waitingFor` of a delivery says what it waits for.',
        tags: ['Deliveries'],
        params: AccountParams,
        querystring: WaitingQuery,
        response: { 200: WaitingDeliveries },
      },
    },
    async ({ params: { account }, query: { subscription } }, reply): Promise<WaitingDeliveries> => {
      const subscriptionId = subscription && uuidOf('sub', subscription);
      const waiting = await readList(deps, reply, ({ pool }) =>
        countWaiting(pool, { accountId: account, subscriptionId }),
      );
      if (waiting.count === 0) {
        await requireAccount(deps, account, []);
        const where = { accountId: account, id: subscriptionId ?? '' };
        if (subscriptionId && (await deps.db.prisma.subscription.count({ where })) === 0)
          throw new NotFound('subscription');
      }
      return {
        ...countJson(waiting),
        reasons: waiting.reasons,
        subscriptions: waiting.subscriptions.map((one) => ({
          subscriptionId: toTypeId('sub', one.id),
          url: one.url,
          ...countJson(one),
        })),
      };
    },
  );
};

const countJson = ({ count, oldestAt }: WaitingCount) => ({
  count: Math.min(count, MAX_COUNT),
  more: count > MAX_COUNT,
  oldestCreatedAt: oldestAt?.toISOString() ?? null,
});
