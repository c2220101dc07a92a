import type { Log } from '@posthorn/core';
import { openConsumers } from './consumers.js';
import type { WorkerEnv } from './env.js';
import { buildHealth } from './health.js';
import { startLoops } from './loops.js';
import { openMetrics } from './metrics.js';
import { openParts } from './open-parts.js';

export interface Worker {
  /** Base URL of its /livez, /readyz and /metrics. */
  healthUrl: string;
  /** Takes no more jobs, lets attempts in flight finish within the grace period, and aborts the others (recorded as `aborted`, which
   *  uses up no attempt). Then closes queue and database. */
  stop(): Promise<void>;
}

/** Part of the shutdown's deadline, kept for recording aborted attempts. */
const RESERVE_MS = 5_000;

/** Starts a worker: a consumer per queue, its loops (such as the dispatcher), its health server. Continues when Postgres or the
 *  queue goes away and returns. Throws as openParts does. */
export async function startWorker(env: WorkerEnv, { log, version }: { log: Log; version: string }): Promise<Worker> {
  const metrics = openMetrics();
  const parts = await openParts(env, { metrics, log, version });
  const { db, producer, sender, telemetry } = parts;
  const consumers = openConsumers(env, parts);

  let isDraining = false;
  const health = buildHealth({
    db,
    producer,
    isConsuming: () => consumers.areRunning(),
    registry: metrics.registry,
    isDraining: () => isDraining,
    version,
    probeMaxAgeMs: 1_000,
  });
  const healthUrl = await health.listen({ host: env.workerHealthHost, port: env.workerHealthPort });
  consumers.start();
  const loops = startLoops(env, parts, consumers);

  return {
    healthUrl,
    async stop() {
      isDraining = true;
      const graceMs = Math.max(0, env.shutdownTimeoutMs - RESERVE_MS);
      await Promise.all([loops.stop(), consumers.stop({ graceMs })]);
      const flushed = telemetry?.close();
      await sender.close();
      await producer.close();
      await health.close();
      await flushed;
      await db.close();
    },
  };
}
