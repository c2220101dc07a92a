import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Health } from '@posthorn/contract';
import { shareResult } from '@posthorn/lifecycle';
import { z } from 'zod';
import type { Routes } from '../deps.js';
import { openHealth } from '../health.js';

const LAG_RESOLUTION_MS = 200; // each look wakes the process
const MAX_LAG_MS = 1_000;

const tags = ['Health'];

export const healthRoutes: Routes<
  'db' | 'checkQueue' | 'systemMetrics' | 'probeMaxAgeMs' | 'isDraining' | 'metrics' | 'version'
> = (app, deps) => {
  const { metrics, version } = deps;
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const readHealth = openHealth(deps);
  const readMetrics = shareResult(
    async () => {
      metrics.show(await deps.systemMetrics());
      return metrics.registry.metrics();
    },
    { maxAgeMs: deps.probeMaxAgeMs },
  );
  app.addHook('onClose', (_app, done) => {
    lag.disable();
    done();
  });

  // No dependency is asked here: a database that is away must not restart every process.
  app.get(
    '/livez',
    {
      schema: {
        operationId: 'health.live',
        summary: 'Is this process alive?',
        tags,
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      // What it measures includes the pause it makes between two looks.
      const lagMs = Math.max(0, Math.round(lag.percentile(50) / 1e6) - LAG_RESOLUTION_MS);
      lag.reset();
      const isFine = lagMs <= MAX_LAG_MS;
      return reply.code(isFine ? 200 : 503).send({
        status: isFine ? 'ok' : 'fail',
        version,
        app: 'api',
        checks: { eventLoop: { status: isFine ? 'ok' : 'fail', latencyMs: lagMs } },
      });
    },
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'health.ready',
        summary: 'May it get requests?',
        description:
          'Not while it shuts down, its database is away, or migrations are pending. A queue that is away, workers that are ' +
          'gone, and deliveries or jobs that nobody takes only degrade it: it can accept, and `checks` says what is wrong. ' +
          'However often it is asked for, the checks run at most once a second.',
        tags,
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      const health = await readHealth();
      return reply.code(health.status === 'fail' ? 503 : 200).send(health);
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'health.metrics',
        summary: 'Numbers for Prometheus',
        description: 'Collected at most once a second, however often they are asked for.',
        tags,
        response: {
          200: { description: 'Prometheus’ text format.', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      const text = await readMetrics();
      return reply.type(metrics.registry.contentType).send(text);
    },
  );
};
