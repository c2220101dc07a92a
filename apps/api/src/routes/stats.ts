import { AccountStatsQuery, Stats, StatsQuery } from '@posthorn/contract';
import { readStats } from '@posthorn/core';
import type { z } from 'zod';
import type { ApiDeps, Routes } from '../deps.js';
import { NotFound } from '../errors.js';
import { readList } from '../read-list.js';
import { AccountParams, requireAccount, uuidOf } from './params.js';
import { periodStatsJson, periodJson } from './stats-json.js';
import { BUCKET_MS, readRange } from './stats-range.js';

const tags = ['Statistics'];
const DESCRIPTION =
  'Counts cover whole buckets in UTC: `totals.from` and `totals.to` are the exact period. Test events, retries and ' +
  'replays count like any other event or attempt. An attempt counts as soon as it is recorded.';

export const statsRoutes: Routes<'db' | 'reader'> = (app, deps) => {
  app.get(
    '/v1/accounts/:account/stats',
    {
      config: { mayLag: true, allow: 'deliveries:read', problems: ['invalid_request'] },
      schema: {
        operationId: 'stats.get',
        summary: 'Get statistics of an account or a subscription',
        description: DESCRIPTION,
        tags,
        params: AccountParams,
        querystring: AccountStatsQuery,
        response: { 200: Stats },
      },
    },
    async ({ params: { account }, query: { subscription, ...query } }, reply) => {
      const subscriptionId = subscription === undefined ? null : uuidOf('sub', subscription);
      await requireAccount(deps, account, []);
      if (subscriptionId !== null) {
        // A deleted subscription keeps its statistics.
        const where = { id: subscriptionId, accountId: account };
        if ((await deps.db.prisma.subscription.count({ where })) === 0) throw new NotFound('subscription');
      }
      return readList(deps, reply, (db) => statsOf({ db }, { accountId: account, subscriptionId }, query));
    },
  );

  app.get(
    '/v1/stats',
    {
      config: { mayLag: true, allow: 'operator', problems: ['invalid_request'] },
      schema: {
        operationId: 'stats.getAll',
        summary: 'Get statistics of all accounts',
        description: `${DESCRIPTION} Deleted accounts still count.`,
        tags,
        querystring: StatsQuery,
        response: { 200: Stats },
      },
    },
    async ({ query }, reply) =>
      readList(deps, reply, (db) => statsOf({ db }, { accountId: null, subscriptionId: null }, query)),
  );
};

async function statsOf(
  { db }: Pick<ApiDeps, 'db'>,
  of: { accountId: string | null; subscriptionId: string | null },
  query: z.infer<typeof StatsQuery>,
): Promise<Stats> {
  const { from, to, granularity } = readRange(query, { now: new Date(), hasMinutes: of.subscriptionId === null });
  const bucketMs = BUCKET_MS[granularity];
  const read = await readStats(db.pool, { ...of, eventType: query.eventType ?? null, from, to, bucketMs });
  const hasAccepted = of.subscriptionId === null;
  const before = new Date(2 * from.getTime() - to.getTime());
  return {
    granularity,
    totals: periodJson(read.current, { from, to, hasAccepted }),
    previous: periodJson(read.previous, { from: before, to: from, hasAccepted }),
    buckets: read.buckets.map(({ at, counts }) => ({
      at: at.toISOString(),
      ...periodStatsJson(counts, { hasAccepted }),
    })),
  };
}
