import {
  askForRetryOfJob,
  type Log,
  openAttempter,
  openCipher,
  openConcurrencyLimiter,
  openDatabase,
  makeRetryWhileUnavailable,
  openVerifier,
  requireMigrated,
  requireSessions,
} from '@posthorn/core';
import {
  type Consumer,
  type QueueName,
  type Taken,
  openAvailability,
  openConsumer,
  openProducer,
} from '@posthorn/jobs';
import { openSender } from '@posthorn/sender';
import { deliver } from './deliver.js';
import type { WorkerEnv } from './env.js';
import { startDispatcher } from './dispatcher.js';
import { startHeartbeat } from './heartbeat.js';
import { startErasing } from './erasing.js';
import { startExpanding } from './expanding.js';
import { startFolding } from './folding.js';
import { startRetention } from './retention.js';
import { startSettling } from './settling.js';
import { buildHealth } from './health.js';
import { openMetrics, statusClass } from './metrics.js';
import { verify } from './verify.js';

export interface Worker {
  /** Where its /livez, /readyz and /metrics are. */
  healthUrl: string;
  /** Takes no more jobs, lets attempts in flight end within the grace, aborts the rest (they are recorded as `aborted` and
   *  spend nothing of the schedule), then lets go of queue and database. */
  stop(): Promise<void>;
}

/** Time kept of the shutdown's deadline for recording what was aborted. */
const RESERVE_MS = 5_000;
const VERIFY_CONCURRENCY = 20;
const HEARTBEAT_MS = 5_000;
/** Of a worker's jobs, how many may be fresh attempts. */
const FRESH_SHARE = 0.9;

/** Starts a worker: consumers of all queues, the dispatcher, its health server. Goes on by itself when Postgres or the queue
 *  goes away and comes back. */
export async function startWorker(env: WorkerEnv, { log, version }: { log: Log; version: string }): Promise<Worker> {
  const metrics = openMetrics();
  const db = openDatabase({
    url: env.databaseUrl,
    directUrl: env.databaseDirectUrl,
    applicationName: 'posthorn worker',
    maxConnections: env.databasePoolSize,
    log,
  });
  await requireSessions(db, log);
  await requireMigrated(db, log);
  const cipher = openCipher({ current: env.encryptionKey, previous: env.encryptionKeysOld });
  // Shared, so that an absence is said once and not by each part that notices it.
  const availability = openAvailability(log);
  const retryWhileUnavailable = makeRetryWhileUnavailable({ log });
  const producer = openProducer(env.queue, {
    log,
    deliveriesPerJob: env.deliveriesPerJob,
    availability,
    onFailure: (queue, count) => metrics.enqueueFailures.inc({ queue }, count),
  });
  const sender = openSender({
    policy: env.addresses,
    userAgent: `Posthorn/${version}`,
  });
  const { enqueue } = producer;
  const { post } = sender;

  const slots = { deliver: env.workerConcurrency, retry: Math.ceil(env.workerConcurrency / 2) };
  const limiter = openConcurrencyLimiter({
    // Fewer than jobs, so that the next one is always looked at.
    slots: Math.max(1, Math.floor(slots.deliver * FRESH_SHARE)),
    onExtra(count) {
      for (const queue of ['deliver', 'retry'] as const) {
        metrics.concurrency.set({ queue }, slots[queue] + count);
        delivering[queue].setConcurrency(slots[queue] + count);
      }
    },
  });
  const attempter = openAttempter({
    db,
    cipher,
    enqueue,
    post,
    log,
    retryWhileUnavailable,
    limiter,
    honorDisableHeader: env.honorDisableHeader,
    timeoutMs: env.deliveryTimeoutMs,
    waitsMs: env.retryScheduleSeconds.map((seconds) => seconds * 1_000),
    failingAfterMs: env.failingAfterDays * 24 * 60 * 60 * 1_000,
    observe: metrics.observer,
  });
  const verifier = openVerifier({
    db,
    cipher,
    enqueue,
    post,
    log,
    retryWhileUnavailable,
    timeoutMs: env.deliveryTimeoutMs,
    observe: ({ result, status, reason }) => {
      metrics.attempts.inc({
        kind: 'verification',
        outcome: result.outcome,
        status_class: statusClass(result.statusCode),
        trigger: 'auto',
      });
      metrics.attemptDuration.observe({ outcome: result.outcome }, result.durationMs / 1_000);
      if (status !== 'pending') metrics.verifications.inc({ result: status, reason: reason ?? 'none' });
    },
  });

  let lastJobAt: number | null = null;
  let lastDispatchAt: number | null = null;
  const consumer = (
    queue: QueueName,
    concurrency: number,
    handle: Parameters<typeof openConsumer>[1]['handle'],
  ): Consumer => {
    metrics.concurrency.set({ queue }, concurrency);
    const inFlight = metrics.inFlight.labels({ queue });
    return openConsumer(env.queue, {
      queue,
      concurrency,
      log,
      availability,
      async handle(due, signal) {
        inFlight.inc();
        return handle(due, signal).finally(() => {
          inFlight.dec();
          metrics.lastProgress.setToCurrentTime();
          lastJobAt = performance.now();
        });
      },
    });
  };
  const askForRetry = ({ id }: Taken, signal: AbortSignal) =>
    retryWhileUnavailable(() => askForRetryOfJob({ db, enqueue, cipher }, { id }), signal);
  const delivering = {
    deliver: consumer('deliver', slots.deliver, deliver(attempter, askForRetry)),
    // Of its own, so that a backlog of first attempts does not hold retries up, nor the other way round.
    retry: consumer('retry', slots.retry, deliver(attempter, askForRetry)),
  };
  const consumers = [
    delivering.deliver,
    delivering.retry,
    consumer('verify', Math.min(VERIFY_CONCURRENCY, env.workerConcurrency), verify(verifier)),
  ];

  let isDraining = false;
  const isConsuming = () => consumers.every((one) => one.isRunning());
  const health = buildHealth({
    db,
    producer,
    isConsuming,
    registry: metrics.registry,
    isDraining: () => isDraining,
    version,
    probeMaxAgeMs: 1_000,
  });
  const healthUrl = await health.listen({ host: env.workerHealthHost, port: env.workerHealthPort });

  for (const one of consumers) one.start();
  const expanding = startExpanding({
    db,
    enqueue,
    log,
    observe: ({ count }) => metrics.deliveriesCreated.inc(count),
  });
  const dispatcher = startDispatcher({
    db,
    enqueue,
    hasForgotten: producer.hasForgotten,
    log,
    operationsAccount: env.operationsAccount,
    observe({ result, enqueued }) {
      metrics.rounds.inc({ result });
      metrics.dispatched.inc(enqueued);
      if (result !== 'ok') return;
      metrics.lastDispatch.setToCurrentTime();
      lastDispatchAt = performance.now();
    },
    onFanOut: expanding.wake,
    observeReplay: ({ which, count }) => metrics.replayed.inc({ which }, count),
  });

  const retention = startRetention({
    db,
    retentionDays: env.retentionDays,
    payloadRetentionDays: env.payloadRetentionDays,
    auditRetentionDays: env.auditRetentionDays,
    log,
    observe: ({ table, count }) => metrics.retentionDeleted.inc({ table }, count),
  });

  const heartbeat = startHeartbeat({
    db,
    version,
    everyMs: HEARTBEAT_MS,
    isConsuming,
    signs: () => ({ lastJobAt, lastDispatchAt }),
    log,
  });
  const erasing = startErasing({
    db,
    log,
    observe: ({ part, count }) => metrics.erasedRows.inc({ part }, count),
    observeErasing: (count) => metrics.erasingAccounts.set(count),
  });
  const settling = startSettling({ db, log, observe: ({ verb, count }) => metrics.settled.inc({ verb }, count) });
  const folding = startFolding({ db, log, observe: (count) => metrics.statsFolded.inc(count) });

  return {
    healthUrl,
    async stop() {
      isDraining = true;
      const graceMs = Math.max(0, env.shutdownTimeoutMs - RESERVE_MS);
      const loops = [heartbeat, dispatcher, retention, erasing, expanding, folding, settling];
      await Promise.all([...loops.map((one) => one.stop()), ...consumers.map((one) => one.stop({ graceMs }))]);
      await attempter.drain();
      await sender.close();
      await producer.close();
      await health.close();
      await db.close();
    },
  };
}
