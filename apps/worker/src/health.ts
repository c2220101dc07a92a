import { type Database, pendingMigrations } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';

export interface HealthDeps {
  db: Database;
  producer: Pick<Producer, 'check'>;
  registry: Registry;
  isDraining: () => boolean;
  version: string;
}

/** The worker's own small server: /livez, /readyz, /metrics. No key, no secret and no host name in the answers.
 *  /livez asks no one else: if it did, an outage of the database would restart every worker. */
export function buildHealth({ db, producer, registry, isDraining, version }: HealthDeps): FastifyInstance {
  const app = fastify();

  app.get('/livez', () => ({ status: 'ok', version, app: 'worker' }));

  app.get('/readyz', async (_request, reply) => {
    const start = performance.now();
    const migrations = await pendingMigrations(db.pool).then(
      (names) => (names.length === 0 ? 'ok' : 'fail'),
      () => null,
    );
    const postgres = { status: migrations === null ? 'fail' : 'ok', latencyMs: Math.round(performance.now() - start) };
    const queue = await producer.check();
    const isReady = migrations === 'ok' && queue.status === 'ok' && !isDraining();
    return reply.code(isReady ? 200 : 503).send({
      status: isReady ? 'ok' : 'fail',
      version,
      app: 'worker',
      checks: { postgres, queue, migrations: { status: migrations ?? 'fail' }, draining: isDraining() },
    });
  });

  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  return app;
}
