import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pendingMigrations } from '@posthorn/core';
import { z } from 'zod';
import type { ApiDeps, Routes } from '../deps.js';
import type { Figures } from '../figures.js';

const LAG_RESOLUTION_MS = 20;
const MAX_LAG_MS = 1_000;
const CHECK_TIMEOUT_MS = 3_000;
/** Deliveries and jobs that nobody took for so long say that no job goes through. */
const LATE_SECONDS = 60;

const Check = z.object({
  status: z.enum(['ok', 'fail']),
  latencyMs: z.number().optional().describe('How long the answer took, in milliseconds.'),
  reason: z.string().optional().describe('Why it is not `ok`, where that is not plain.'),
  alive: z.int().optional().describe('Of `workers`: how many take jobs.'),
  oldestSeconds: z
    .number()
    .optional()
    .describe('Of `queue` and `deliveries`: how long the oldest has waited that nobody takes. Absent: none waits.'),
});
type Check = z.infer<typeof Check>;

const Health = z
  .object({
    status: z.enum(['ok', 'degraded', 'fail']).describe('`degraded`: works, but deliveries come later.'),
    version: z.string(),
    app: z.literal('api'),
    checks: z.record(z.string(), Check),
  })
  .meta({ id: 'Health' });

const tags = ['Health'];

export const healthRoutes: Routes = (app, deps) => {
  const { metrics, version } = deps;
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
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
          'gone, and deliveries or jobs that nobody takes only degrade it: it can accept, and `checks` says what is wrong.',
        tags,
        response: { 200: Health, 503: Health },
      },
    },
    async (_request, reply) => {
      const [postgres, migrations, reached, figures] = await Promise.all([
        measure(() => deps.db.pool.query('select 1')),
        measure(() => requireMigrated(deps)),
        measure(async () => {
          if ((await deps.checkQueue()).status === 'fail') throw new Error('the queue does not answer');
        }),
        deps.figures(),
      ]);
      const queue = { ...reached, ...(reached.status === 'ok' && judgeQueue(figures)) };
      const flow: Record<string, Check> = {
        queue,
        workers: judgeWorkers(figures),
        deliveries: judgeDeliveries(figures),
      };
      const checks: Record<string, Check> = { postgres, migrations, ...flow };
      if (deps.isDraining()) checks['shutdown'] = { status: 'fail' };
      const isReady = postgres.status === 'ok' && migrations.status === 'ok' && !deps.isDraining();
      const isFlowing = Object.values(flow).every((check) => check.status === 'ok');
      const status = isReady ? (isFlowing ? 'ok' : 'degraded') : 'fail';
      return reply.code(isReady ? 200 : 503).send({ status, version, app: 'api', checks });
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'health.metrics',
        summary: 'Numbers for Prometheus',
        tags,
        response: {
          200: { description: 'Prometheus’ text format.', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      metrics.show(await deps.figures());
      const text = await metrics.registry.metrics();
      return reply.type(metrics.registry.contentType).send(text);
    },
  );
};

const UNKNOWN: Check = { status: 'fail', reason: 'could not be asked' };

function judgeWorkers({ ledger }: Figures): Check {
  if (!ledger) return UNKNOWN;
  const alive = ledger.workers.filter(({ isAlive }) => isAlive).length;
  return alive > 0
    ? { status: 'ok', alive }
    : { status: 'fail', alive, reason: 'no worker is alive: nothing is delivered' };
}

function judgeDeliveries({ ledger }: Figures): Check {
  if (!ledger) return UNKNOWN;
  return judgeAge(ledger.oldestPastDueSeconds, 'deliveries are due that nobody takes');
}

function judgeQueue({ queues }: Figures): Check {
  if (!queues) return UNKNOWN;
  const ages = Object.values(queues).map(({ oldestWaitingMs }) => oldestWaitingMs ?? 0);
  const oldestMs = Math.max(...ages);
  return judgeAge(oldestMs > 0 ? oldestMs / 1_000 : null, 'jobs wait that nobody takes');
}

function judgeAge(seconds: number | null, late: string): Check {
  if (seconds === null) return { status: 'ok' };
  const oldestSeconds = Math.round(seconds);
  return seconds > LATE_SECONDS ? { status: 'fail', oldestSeconds, reason: late } : { status: 'ok', oldestSeconds };
}

async function requireMigrated({ db }: Pick<ApiDeps, 'db'>): Promise<void> {
  const pending = await pendingMigrations(db.pool);
  if (pending.length > 0) throw new Error('migrations are pending');
}

/** Why a check fails is for the logs of whoever notices; a health answer names no hosts. */
async function measure(work: () => Promise<unknown>): Promise<Check> {
  const from = performance.now();
  const latencyMs = () => Math.round(performance.now() - from);
  const tooLate = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), CHECK_TIMEOUT_MS).unref());
  try {
    const result = await Promise.race([work(), tooLate]);
    return { status: result === 'late' ? 'fail' : 'ok', latencyMs: latencyMs() };
  } catch {
    return { status: 'fail', latencyMs: latencyMs() };
  }
}
