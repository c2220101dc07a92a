import { fileURLToPath } from 'node:url';
import {
  CLOCK_AHEAD_MS,
  openCipher,
  openDatabase,
  openPublisher,
  openReader,
  readClockAhead,
  requireMigrated,
  requireSessions,
  requireSessionsToRead,
} from '@posthorn/core';
import { openProducer } from '@posthorn/jobs';
import { closeOnSignal, readVersion } from '@posthorn/lifecycle';
import { openTelemetry } from '@posthorn/telemetry';
import { pino } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import { buildApp } from './app.js';
import { inOrder } from './close-in-order.js';
import { type Env, readApiEnv } from './env.js';
import { type DepthRecorder, openDepthRecorder } from './depth-recorder.js';
import { openSystemMetrics } from './system-metrics.js';
import { openMetrics } from './metrics.js';
import { tracePublish } from './trace-publish.js';

const env = readOrExit();
// Log lines are written in batches, at most half a second late: one write per request would cost CPU.
const output = pino.destination({ sync: false, minLength: 4_096, periodicFlush: 500 });
const log = pino({ level: env.logLevel, base: { app: 'api', pid: process.pid } }, output);
if (env.unknown.length > 0) log.warn({ names: env.unknown }, 'settings.unknown');

const version = readVersion(new URL('../package.json', import.meta.url));
const metrics = openMetrics({ version });
// Each sample of the event loop lag wakes an idle process. prom-client's default is 10 ms.
collectDefaultMetrics({ register: metrics.registry, eventLoopMonitoringPrecision: 200 });
const telemetry = await openTelemetry(env.telemetry, { app: 'api', version, log });

const db = openDatabase({
  url: env.databaseUrl,
  directUrl: env.databaseDirectUrl,
  applicationName: 'posthorn-api',
  maxConnections: env.databasePoolSize,
  log,
});
// Before the queue connects: behind a pooler in transaction mode, its session settings would reach other clients.
await requireSessions(db, log).catch(giveUp);
const replica = env.databaseReadUrl
  ? openDatabase({
      url: env.databaseReadUrl,
      applicationName: 'posthorn-api-read',
      maxConnections: env.databasePoolSize,
      log,
    })
  : null;
if (replica) await requireSessionsToRead(replica).catch(giveUp);
const onFailure = (queue: string, count: number) => metrics.enqueueFailures.inc({ queue }, count);
const producer = openProducer(env.queue, { log, deliveriesPerJob: env.deliveriesPerJob, onFailure });
const cipher = openCipher({ current: env.encryptionKey, previous: env.encryptionKeysOld });
const core = { db, enqueue: producer.enqueue, cipher };
const publisher = openPublisher(core, {
  observe(size) {
    metrics.groupCommitSize.observe({ operation: 'publish' }, size);
    metrics.sqlStatements.inc({ operation: 'publish' });
  },
});

const SYSTEM_METRICS_MAX_AGE_MS = 5_000;
const PROBE_MAX_AGE_MS = 1_000;
const reader = openReader({ primary: db, replica, log });
const systemMetrics = openSystemMetrics({
  db,
  reader,
  readQueues: () => producer.metrics(),
  maxAgeMs: SYSTEM_METRICS_MAX_AGE_MS,
  log,
});

telemetry?.exportMetrics(async () => {
  metrics.show(await systemMetrics());
  return metrics.registry.getMetricsAsJSON();
});

let isDraining = false;
let depths: DepthRecorder | null = null;
const app = await buildApp({
  ...core,
  publisher,
  reader,
  operatorKey: env.operatorKey,
  operationsAccount: env.operationsAccount,
  publicUrl: env.publicUrl,
  sendsEmails: env.sendsEmails,
  boardUrl: env.boardUrl,
  trustedProxies: env.trustedProxies,
  sessionSeconds: env.sessionSeconds,
  sessionIdleSeconds: env.sessionIdleSeconds,
  maxSubscriptionsPerAccount: env.maxSubscriptionsPerAccount,
  addresses: env.addresses,
  retries: env.retries,
  checkQueue: () => producer.check(),
  systemMetrics,
  probeMaxAgeMs: PROBE_MAX_AGE_MS,
  consoleDirectory: fileURLToPath(new URL('../../console/dist', import.meta.url)),
  docsDirectory: fileURLToPath(new URL('../../docs/dist/site', import.meta.url)),
  frameAncestors: env.portalFrameAncestors,
  isDraining: () => isDraining,
  tracePublish: telemetry && tracePublish(telemetry),
  metrics,
  version,
  settings: env.effective,
  log,
});

closeOnSignal({
  log,
  timeoutMs: env.shutdownDelayMs + env.shutdownTimeoutMs,
  async close() {
    isDraining = true;
    await inOrder(log, {
      // The load balancer notices that /readyz fails.
      delay: () => new Promise((resolve) => setTimeout(resolve, env.shutdownDelayMs)),
      // Open requests end first, then the publisher enqueues what they left, then the connections close.
      http: () => app.close(),
      publisher: () => publisher.drain(),
      telemetry: async () => telemetry?.close(),
      depths: async () => depths?.close(),
      queue: () => producer.close(),
      database: async () => {
        await replica?.close();
        await db.close();
      },
    });
  },
});

await requireMigrated(db, log).catch(giveUp);
const aheadMs = await readClockAhead(db.pool).catch(() => 0); // if the database is away again, /readyz says so
if (aheadMs > CLOCK_AHEAD_MS) log.warn({ aheadMs: Math.round(aheadMs), mostMs: CLOCK_AHEAD_MS }, 'clock.ahead');
const url = await app.listen({ host: env.host, port: env.port }).catch(giveUp);
depths = openDepthRecorder({ db, systemMetrics, log });
log.info({ url, queueBackend: env.queue.backend, version }, 'api.listening');

function readOrExit(): Env {
  try {
    return readApiEnv(process.env);
  } catch (error) {
    return giveUp(error);
  }
}

function giveUp(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
