import { type Database, pendingMigrations } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
import { shareResult } from '@posthorn/lifecycle';
import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';

export interface HealthDeps {
  db: Database;
  producer: Pick<Producer, 'check'>;
  /** Whether every queue has a consumer that takes jobs. */
  isConsuming: () => boolean;
  registry: Registry;
  isDraining: () => boolean;
  version: string;
  /** How long /readyz and /metrics cache their responses. */
  probeMaxAgeMs: number;
}

/** The worker's own server: /livez, /readyz, /metrics. Needs no key; responses contain no secret and no host name.
 *  /livez checks no store, so an outage of the database does not restart every worker. */
export function buildHealth(deps: HealthDeps): FastifyInstance {
  const { db, producer, isConsuming, registry, isDraining, version, probeMaxAgeMs } = deps;
  const app = fastify({ bodyLimit: 1024 });
  const readMetrics = shareResult(() => registry.metrics(), { maxAgeMs: probeMaxAgeMs });
  const askStores = shareResult(
    async () => {
      const start = performance.now();
      const migrations = await pendingMigrations(db.pool).then(
        (names) => (names.length === 0 ? 'ok' : 'fail'),
        () => null,
      );
      const latencyMs = Math.round(performance.now() - start);
      return { migrations, latencyMs, queue: await producer.check() };
    },
    { maxAgeMs: probeMaxAgeMs },
  );

  app.get('/livez', async (_request, reply) => {
    // A consumer that ended unexpectedly stays ended: only a new process helps.
    const isAlive = isConsuming() || isDraining();
    return reply.code(isAlive ? 200 : 503).send({ status: isAlive ? 'ok' : 'fail', version, app: 'worker' });
  });

  app.get('/readyz', async (_request, reply) => {
    const { migrations, latencyMs, queue } = await askStores();
    const postgres = { status: migrations === null ? 'fail' : 'ok', latencyMs };
    const consumers = { status: isConsuming() ? 'ok' : 'fail' };
    const isReady = migrations === 'ok' && queue.status === 'ok' && isConsuming() && !isDraining();
    return reply.code(isReady ? 200 : 503).send({
      status: isReady ? 'ok' : 'fail',
      version,
      app: 'worker',
      checks: { postgres, queue, consumers, migrations: { status: migrations ?? 'fail' }, draining: isDraining() },
    });
  });

  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await readMetrics()));
  return app;
}
