import { StartReplay, Replay, ReplayList, ReplayPreview, ReplayQuery, toTypeId } from '@posthorn/contract';
import {
  cancelReplay,
  findReplay,
  type Replay as ReplayRow,
  startReplay,
  newestIds,
  withProgress,
} from '@posthorn/core';
import { pageWanted, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { InvalidRequest, NotFound, NotPossible, ReplayRunning } from '../errors.js';
import { AccountParams, ReplayParams, requireAccount, SubscriptionParams, uuidOf } from './params.js';

const tags = ['Replays'];

export const replayRoutes: Routes<'db'> = (app, deps) => {
  const { db } = deps;

  app.post(
    '/v1/accounts/:account/subscriptions/:subscription/replay',
    {
      config: {
        audit: { target: 'replay', notes: ['which', 'since', 'until'], status: 202 },
        allow: 'deliveries:write',
        problems: ['replay_running'],
      },
      schema: {
        operationId: 'replays.start',
        summary: 'Replay what a subscription did not get',
        description:
          'In the background: each delivery is sent as if it were new, with the whole schedule ahead of it and the same ' +
          '`webhook-id`. While the subscription is paused it is held. A dry run (200) only counts.',
        tags,
        params: SubscriptionParams,
        body: StartReplay,
        response: { 200: ReplayPreview, 202: Replay },
      },
    },
    async ({ params, body }, reply) => {
      const { which, dryRun } = body;
      const { since, until } = requireRange(body, new Date());
      const subscriptionId = uuidOf('sub', params.subscription);
      const wanted = { accountId: params.account, subscriptionId, which, since, until };
      const result = await startReplay(deps, { ...wanted, isDryRun: dryRun });
      switch (result.outcome) {
        case 'started':
          return reply.code(202).send(replayJson(result.replay));
        case 'counted':
          return reply
            .code(200)
            .send({ id: null, ...filterJson(wanted), status: 'dry_run' as const, matched: result.matched });
        case 'running':
          throw new ReplayRunning(toTypeId('rpl', result.replayId));
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
    '/v1/accounts/:account/replays',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'replays.list',
        summary: 'List replays',
        tags,
        params: AccountParams,
        querystring: ReplayQuery,
        response: { 200: ReplayList },
      },
    },
    async ({ params: { account }, query: { limit, cursor, subscription } }) => {
      const ids = await newestIds(db.pool, {
        table: 'replays',
        of: { account_id: account },
        filters: { subscription_id: subscription?.map((id) => uuidOf('sub', id)) },
        ...pageWanted('replays', { limit, cursor }),
      });
      const rows = await db.prisma.replay.findMany({ where: { id: { in: ids } }, orderBy: { id: 'desc' } });
      await requireAccount(deps, account, rows);
      const found = await withProgress(db, rows);
      return toPage(found, { limit, list: 'replays', keyOf: ({ id }) => [id], itemOf: replayJson });
    },
  );

  app.get(
    '/v1/accounts/:account/replays/:replay',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'replays.get',
        summary: 'Get a replay with its progress',
        tags,
        params: ReplayParams,
        response: { 200: Replay },
      },
    },
    async ({ params }) => {
      const found = await findReplay(db, { accountId: params.account, id: uuidOf('rpl', params.replay) });
      if (!found) throw new NotFound('replay');
      return replayJson(found);
    },
  );

  app.post(
    '/v1/accounts/:account/replays/:replay/cancel',
    {
      config: { audit: { target: 'replay' }, allow: 'deliveries:write' },
      schema: {
        operationId: 'replays.cancel',
        summary: 'Cancel a replay',
        description:
          'It stops. What it has already replayed is still sent. Repeating it, or canceling one that has ' +
          'ended, changes nothing.',
        tags,
        params: ReplayParams,
        response: { 200: Replay },
      },
    },
    async ({ params }) => {
      const canceled = await cancelReplay(deps, { accountId: params.account, id: uuidOf('rpl', params.replay) });
      if (!canceled) throw new NotFound('replay');
      return replayJson(canceled);
    },
  );
};

/** Throws InvalidRequest for a range that is empty or begins in the future. `until` is at most now: later events do not exist yet. */
function requireRange({ since, until }: Pick<StartReplay, 'since' | 'until'>, now: Date): { since: Date; until: Date } {
  const range = { since: new Date(since), until: until === undefined ? now : new Date(until) };
  if (range.since >= now) throw new InvalidRequest([{ path: 'since', message: 'must be in the past' }]);
  if (range.since >= range.until) throw new InvalidRequest([{ path: 'since', message: 'must be before until' }]);
  return { ...range, until: range.until > now ? now : range.until };
}

const filterJson = (
  row: Pick<ReplayRow, 'accountId' | 'subscriptionId' | 'which' | 'since' | 'until'>,
): Omit<ReplayPreview, 'id' | 'status' | 'matched'> => ({
  accountId: row.accountId,
  subscriptionId: toTypeId('sub', row.subscriptionId),
  which: row.which,
  since: row.since.toISOString(),
  until: row.until.toISOString(),
});

const replayJson = (row: ReplayRow): Replay => ({
  id: toTypeId('rpl', row.id),
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
