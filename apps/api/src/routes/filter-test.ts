import { checkFilter, FilterTest, TestFilter, toTypeId } from '@posthorn/contract';
import { testFilter } from '@posthorn/core';
import type { Routes } from '../deps.js';
import { readList } from '../read-list.js';
import { requireFilter } from './check-subscription.js';
import { AccountParams, requireAccount } from './params.js';

export const filterTestRoutes: Routes<'db' | 'reader'> = (app, deps) => {
  app.post(
    '/v1/accounts/:account/subscriptions/filter-test',
    {
      config: { audit: false, mayLag: true, allow: 'events:read' },
      schema: {
        operationId: 'subscriptions.testFilter',
        summary: 'Test a filter against recent events',
        description:
          'Returns which of the newest events a subscription with this filter would get, and stores nothing. It reads at most 4 MiB of payloads, among ' +
          'the newest 1,000 events. Events whose payload was erased are not tested.',
        tags: ['Subscriptions'],
        params: AccountParams,
        body: TestFilter,
        response: { 200: FilterTest },
      },
    },
    async ({ params: { account }, body: { filter, events: eventTypes = [], limit } }, reply) => {
      await requireFilter(deps, { filter });
      const checked = checkFilter(filter);
      const paths = checked.ok ? checked.paths : [];
      const { events, missingPaths } = await readList(deps, reply, ({ pool }) =>
        testFilter(pool, { accountId: account, filter, paths, eventTypes, limit }),
      );
      await requireAccount(deps, account, events);
      return {
        tested: events.length,
        passed: events.filter(({ outcome }) => outcome === 'matched' || outcome === 'not_comparable').length,
        missingPaths,
        events: events.map(({ id, type, createdAt, outcome }) => ({
          id: toTypeId('evt', id),
          event: type,
          createdAt: createdAt.toISOString(),
          outcome,
        })),
      };
    },
  );
};
