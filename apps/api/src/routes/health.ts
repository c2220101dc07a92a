import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Health } from '@posthorn/contract';
import { shareResult } from '@posthorn/lifecycle';
import { z } from 'zod';
import type { Routes } from '../deps.js';
import { openHealth } from '../health.js';

const LAG_RESOLUTION_MS = 200; // each sample wakes the process
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

  // Checks no dependency: an unavailable database must not restart every process.
  app.get(
    '/livez',
    {
      schema: {
        operationId: 'health.live',
        summary: 'Check that the process is alive',
        tags,
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      // The measured delay includes the time between two samples.
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
        summary: 'Check that the process can serve requests',
        description:
          '503 while the process shuts down, its database is unavailable, or migrations are pending. An unavailable queue, missing workers, ' +
          'and deliveries or jobs that wait too long only make it `degraded`. It then accepts events, and `checks` says what is wrong. ' +
          'The checks run at most once per second.',
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
        summary: 'Get metrics for Prometheus',
        description: 'Collected at most once per second.',
        tags,
        response: {
          200: { description: 'The text format of Prometheus.', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      const text = await readMetrics();
      return reply.type(metrics.registry.contentType).send(text);
    },
  );
};
