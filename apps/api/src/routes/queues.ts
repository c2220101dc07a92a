import { QueueDepths, QueueDepthsQuery, Queues, toTypeId } from '@posthorn/contract';
import { readQueueDepths } from '@posthorn/core';
import { QUEUE_NAMES } from '@posthorn/jobs';
import type { Routes } from '../deps.js';
import { Unavailable } from '../errors.js';
import { BUCKET_MS, readRange } from './stats-range.js';

export const queueRoutes: Routes<'boardUrl' | 'db' | 'systemMetrics'> = (app, { systemMetrics, boardUrl, db }) => {
  app.get(
    '/v1/queues',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'queues.get',
        summary: 'Get the state of queues, workers and deliveries',
        description: 'The same numbers as `/metrics`, as JSON. Updated at most every five seconds.',
        tags: ['Operations'],
        response: { 200: Queues },
      },
    },
    async (): Promise<Queues> => {
      const { sampledAt, ledger, queues } = await systemMetrics();
      if (ledger === null) throw new Unavailable(new Error('the metrics could not be read'));
      return {
        sampledAt: sampledAt.toISOString(),
        queues:
          queues &&
          QUEUE_NAMES.map((name) => {
            const { oldestWaitingMs, ...counts } = queues[name];
            return { name, ...counts, oldestWaitingSeconds: oldestWaitingMs === null ? null : oldestWaitingMs / 1_000 };
          }),
        deliveries: {
          overdue: ledger.overdue,
          oldestOverdueSeconds: ledger.oldestOverdueSeconds,
          deferred: ledger.deferred,
          deferredByCircuit: ledger.deferredByCircuit,
          scheduled: ledger.scheduled,
          held: ledger.held,
          expanding: ledger.expanding,
          oldestExpandingSeconds: ledger.oldestExpandingSeconds,
          oldestExpanding: ledger.oldestExpanding && {
            ...ledger.oldestExpanding,
            eventId: toTypeId('evt', ledger.oldestExpanding.eventId),
          },
        },
        subscriptions: ledger.subscriptions,
        circuits: ledger.circuits,
        mostBehind: ledger.mostBehind,
        workersAlive: ledger.workers.filter(({ isAlive }) => isAlive).length,
        workers: ledger.workers.map(({ startedAt, seenAt, lastJobAt, ...worker }) => ({
          ...worker,
          startedAt: startedAt.toISOString(),
          seenAt: seenAt.toISOString(),
          lastJobAt: lastJobAt?.toISOString() ?? null,
        })),
        boardUrl,
        lastDispatchAt: ledger.lastDispatchAt?.toISOString() ?? null,
      };
    },
  );

  app.get(
    '/v1/queues/depths',
    {
      config: { allow: 'operator', problems: ['invalid_request'] },
      schema: {
        operationId: 'queues.listDepths',
        summary: 'Get the queue depths over time',
        tags: ['Operations'],
        querystring: QueueDepthsQuery,
        response: { 200: QueueDepths },
      },
    },
    async ({ query }): Promise<QueueDepths> => {
      const { from, to, granularity } = readRange(query, { now: new Date(), hasMinutes: true });
      const buckets = await readQueueDepths(db.pool, { from, to, bucketMs: BUCKET_MS[granularity] });
      return { granularity, buckets: buckets.map(({ at, ...depth }) => ({ at: at.toISOString(), ...depth })) };
    },
  );
};
