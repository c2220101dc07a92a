import {
  type Cipher,
  type Database,
  type Log,
  type RetryWhileUnavailable,
  makeRetryWhileUnavailable,
  openCipher,
  openDatabase,
  requireMigrated,
  requireSessions,
} from '@posthorn/core';
import { type Availability, type Producer, openAvailability, openProducer } from '@posthorn/jobs';
import { type Sender, openSender } from '@posthorn/sender';
import { openTelemetry, type Telemetry } from '@posthorn/telemetry';
import type { WorkerEnv } from './env.js';
import type { Metrics } from './metrics.js';
import { type AttemptTracing, traceAttempts } from './trace-attempts.js';

/** The parts that all of a worker shares. */
export interface Parts {
  db: Database;
  cipher: Cipher;
  producer: Producer;
  sender: Sender;
  /** Shared, so that an outage is logged once and not by each part that notices it. */
  availability: Availability;
  retryWhileUnavailable: RetryWhileUnavailable;
  metrics: Metrics;
  /** null: OpenTelemetry is off. */
  telemetry: Telemetry | null;
  tracing: AttemptTracing | null;
  log: Log;
  version: string;
}

/** Opens the parts. Throws if the database is not migrated, or is behind a pooler that does not keep a worker's sessions. */
export async function openParts(
  env: WorkerEnv,
  { metrics, log, version }: Pick<Parts, 'metrics' | 'log' | 'version'>,
): Promise<Parts> {
  const db = openDatabase({
    url: env.databaseUrl,
    directUrl: env.databaseDirectUrl,
    applicationName: 'posthorn worker',
    maxConnections: env.databasePoolSize,
    log,
  });
  await requireSessions(db, log);
  await requireMigrated(db, log);
  const availability = openAvailability(log);
  const telemetry = await openTelemetry(env.telemetry, { app: 'worker', version, log });
  telemetry?.exportMetrics(() => metrics.registry.getMetricsAsJSON());
  return {
    db,
    cipher: openCipher({ current: env.encryptionKey, previous: env.encryptionKeysOld }),
    producer: openProducer(env.queue, {
      log,
      deliveriesPerJob: env.deliveriesPerJob,
      availability,
      onFailure: (queue, count) => metrics.enqueueFailures.inc({ queue }, count),
    }),
    sender: openSender({
      policy: env.addresses,
      userAgent: `Posthorn/${version}`,
      certificateAuthorities: env.authorities,
    }),
    availability,
    retryWhileUnavailable: makeRetryWhileUnavailable({ log }),
    metrics,
    telemetry,
    tracing: telemetry && traceAttempts(telemetry),
    log,
    version,
  };
}
