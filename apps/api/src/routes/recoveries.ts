import { Recover, Recovery, RecoveryList, RecoveryPreview, RecoveryQuery, toTypeId } from '@posthorn/contract';
import {
  cancelRecovery,
  findRecovery,
  type Recovery as RecoveryRow,
  startRecovery,
  newestIds,
  withProgress,
} from '@posthorn/core';
import { pageWanted, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { InvalidRequest, NotFound, NotPossible, RecoveryRunning } from '../errors.js';
import { AccountParams, RecoveryParams, requireAccount, SubscriptionParams, uuidOf } from './params.js';

const tags = ['Recoveries'];

export const recoveryRoutes: Routes = (app, deps) => {
  const { db } = deps;

  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/recover',
    {
      config: {
        audit: { target: 'recovery', notes: ['which', 'since', 'until'], status: 202 },
        allow: 'deliveries:write',
        problems: ['recovery_running'],
      },
      schema: {
        operationId: 'recoveries.start',
        summary: 'Bring back what a subscription did not get',
        description:
          'In the background: each delivery is sent as if it were new, with the whole schedule ahead of it and the same ' +
          '`webhook-id`. While the subscription is paused it is held. A dry run (200) only counts.',
        tags,
        params: SubscriptionParams,
        body: Recover,
        response: { 200: RecoveryPreview, 202: Recovery },
      },
    },
    async ({ params, body }, reply) => {
      const { which, dryRun } = body;
      const { since, until } = requireRange(body, new Date());
      const subscriptionId = uuidOf('sub', params.subscription);
      const wanted = { accountId: params.account, subscriptionId, which, since, until };
      const result = await startRecovery(deps, { ...wanted, isDryRun: dryRun });
      switch (result.outcome) {
        case 'started':
          return reply.code(202).send(recoveryJson(result.recovery));
        case 'counted':
          return reply
            .code(200)
            .send({ id: null, ...filterJson(wanted), status: 'dry_run' as const, matched: result.matched });
        case 'running':
          throw new RecoveryRunning(toTypeId('rec', result.recoveryId));
        case 'not_found':
          throw new NotFound('subscription');
        case 'not_possible':
          throw new NotPossible(result.reason);
        default:
          return result satisfies never;
      }
    },
  );

  app.get(
    '/v1/accounts/:account/recoveries',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'recoveries.list',
        summary: 'List recoveries',
        tags,
        params: AccountParams,
        querystring: RecoveryQuery,
        response: { 200: RecoveryList },
      },
    },
    async ({ params: { account }, query: { limit, cursor, subscription } }) => {
      const ids = await newestIds(db.pool, {
        table: 'recoveries',
        of: { account_id: account },
        filters: { subscription_id: subscription?.map((id) => uuidOf('sub', id)) },
        ...pageWanted('recoveries', { limit, cursor }),
      });
      const rows = await db.prisma.recovery.findMany({ where: { id: { in: ids } }, orderBy: { id: 'desc' } });
      await requireAccount(deps, account, rows);
      const found = await withProgress(db, rows);
      return toPage(found, { limit, list: 'recoveries', keyOf: ({ id }) => [id], itemOf: recoveryJson });
    },
  );

  app.get(
    '/v1/accounts/:account/recoveries/:recovery',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'recoveries.get',
        summary: 'Get a recovery with its progress',
        tags,
        params: RecoveryParams,
        response: { 200: Recovery },
      },
    },
    async ({ params }) => {
      const found = await findRecovery(db, { accountId: params.account, id: uuidOf('rec', params.recovery) });
      if (!found) throw new NotFound('recovery');
      return recoveryJson(found);
    },
  );

  app.post(
    '/v1/accounts/:account/recoveries/:recovery/cancel',
    {
      config: { audit: { target: 'recovery' }, allow: 'deliveries:write' },
      schema: {
        operationId: 'recoveries.cancel',
        summary: 'Cancel a recovery',
        description:
          'It brings back no more; what it brought back is sent all the same. Repeating it, or canceling one that has ' +
          'ended, changes nothing.',
        tags,
        params: RecoveryParams,
        response: { 200: Recovery },
      },
    },
    async ({ params }) => {
      const canceled = await cancelRecovery(deps, { accountId: params.account, id: uuidOf('rec', params.recovery) });
      if (!canceled) throw new NotFound('recovery');
      return recoveryJson(canceled);
    },
  );
};

/** Throws InvalidRequest for a range that is none. What is not there yet cannot be brought back: `until` is now at most. */
function requireRange({ since, until }: Pick<Recover, 'since' | 'until'>, now: Date): { since: Date; until: Date } {
  const range = { since: new Date(since), until: until === undefined ? now : new Date(until) };
  if (range.since >= now) throw new InvalidRequest([{ path: 'since', message: 'must be in the past' }]);
  if (range.since >= range.until) throw new InvalidRequest([{ path: 'since', message: 'must be before until' }]);
  return { ...range, until: range.until > now ? now : range.until };
}

const filterJson = (
  row: Pick<RecoveryRow, 'accountId' | 'subscriptionId' | 'which' | 'since' | 'until'>,
): Omit<RecoveryPreview, 'id' | 'status' | 'matched'> => ({
  accountId: row.accountId,
  subscriptionId: toTypeId('sub', row.subscriptionId),
  which: row.which,
  since: row.since.toISOString(),
  until: row.until.toISOString(),
});

const recoveryJson = (row: RecoveryRow): Recovery => ({
  id: toTypeId('rec', row.id),
  ...filterJson(row),
  status: row.status,
  matched: row.matched,
  queued: row.queued,
  succeeded: row.succeeded,
  failed: row.failed,
  pending: row.pending,
  createdAt: row.createdAt.toISOString(),
  endedAt: row.endedAt?.toISOString() ?? null,
});
