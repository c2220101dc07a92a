import { type Database, pendingMigrations } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
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
}

/** The worker's own small server: /livez, /readyz, /metrics. No key, no secret and no host name in the answers.
 *  /livez asks no one else: if it did, an outage of the database would restart every worker. */
export function buildHealth({ db, producer, isConsuming, registry, isDraining, version }: HealthDeps): FastifyInstance {
  const app = fastify();

  app.get('/livez', async (_request, reply) => {
    // A consumer that ended by itself does not begin again: only a new process does.
    const isAlive = isConsuming() || isDraining();
    return reply.code(isAlive ? 200 : 503).send({ status: isAlive ? 'ok' : 'fail', version, app: 'worker' });
  });

  app.get('/readyz', async (_request, reply) => {
    const start = performance.now();
    const migrations = await pendingMigrations(db.pool).then(
      (names) => (names.length === 0 ? 'ok' : 'fail'),
      () => null,
    );
    const postgres = { status: migrations === null ? 'fail' : 'ok', latencyMs: Math.round(performance.now() - start) };
    const queue = await producer.check();
    const consumers = { status: isConsuming() ? 'ok' : 'fail' };
    const isReady = migrations === 'ok' && queue.status === 'ok' && isConsuming() && !isDraining();
    return reply.code(isReady ? 200 : 503).send({
      status: isReady ? 'ok' : 'fail',
      version,
      app: 'worker',
      checks: { postgres, queue, consumers, migrations: { status: migrations ?? 'fail' }, draining: isDraining() },
    });
  });

  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  return app;
}
