import { requestRetryOfJob, openAttempter, openConcurrencyLimiter, openVerifier } from '@posthorn/core';
import { type Consumer, type ConsumerOptions, type QueueName, type DueJob, openConsumer } from '@posthorn/jobs';
import { deliver } from './deliver.js';
import type { WorkerEnv } from './env.js';
import type { Parts } from './open-parts.js';
import { observeAttempts, observeVerifications } from './observe.js';
import { verify } from './verify.js';

export interface Consumers {
  start(): void;
  /** Whether every consumer takes jobs. */
  areRunning(): boolean;
  /** When the last job ended, by performance.now(). Default: null. */
  lastJobAt(): number | null;
  /** Takes no more jobs and lets running jobs finish within the grace period. */
  stop(options: { graceMs: number }): Promise<void>;
}

const VERIFY_CONCURRENCY = 20;
/** The share of the places for first attempts: below 1, so that the worker always fetches the next job. */
const FRESH_SHARE = 0.9;

/** Opens a consumer per queue. Retries have a separate queue, so that a backlog of first attempts does not delay them, nor the
 *  reverse. */
export function openConsumers(env: WorkerEnv, parts: Parts): Consumers {
  const { metrics, tracing } = parts;
  let lastJobAt: number | null = null;
  const open = (queue: QueueName, concurrency: number, handle: ConsumerOptions['handle']): Consumer => {
    metrics.concurrency.set({ queue }, concurrency);
    const inFlight = metrics.inFlight.labels({ queue });
    return openConsumer(env.queue, {
      queue,
      concurrency,
      log: parts.log,
      availability: parts.availability,
      ...(tracing && { startJob: tracing.startJob }),
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

  const slots = { deliver: env.workerConcurrency, retry: Math.ceil(env.workerConcurrency / 2) };
  const attempter = openWorkersAttempter(env, parts, {
    slots: Math.max(1, Math.floor(slots.deliver * FRESH_SHARE)),
    onExtra(count) {
      for (const queue of ['deliver', 'retry'] as const) {
        metrics.concurrency.set({ queue }, slots[queue] + count);
        delivering[queue].setConcurrency(slots[queue] + count);
      }
    },
  });
  const requestRetry = ({ id }: DueJob, signal: AbortSignal) =>
    parts.retryWhileUnavailable(
      () => requestRetryOfJob({ db: parts.db, enqueue: parts.producer.enqueue, cipher: parts.cipher }, { id }),
      signal,
    );
  const delivering = {
    deliver: open('deliver', slots.deliver, deliver(attempter, requestRetry)),
    retry: open('retry', slots.retry, deliver(attempter, requestRetry)),
  };
  const verifier = openWorkersVerifier(env, parts);
  const verifying = open('verify', Math.min(VERIFY_CONCURRENCY, env.workerConcurrency), verify(verifier));
  const consumers = [delivering.deliver, delivering.retry, verifying];

  return {
    start() {
      for (const one of consumers) one.start();
    },
    areRunning: () => consumers.every((one) => one.isRunning()),
    lastJobAt: () => lastJobAt,
    async stop(options) {
      await Promise.all(consumers.map((one) => one.stop(options)));
      await attempter.drain();
    },
  };
}

function openWorkersAttempter(env: WorkerEnv, parts: Parts, limits: Parameters<typeof openConcurrencyLimiter>[0]) {
  return openAttempter({
    db: parts.db,
    cipher: parts.cipher,
    enqueue: parts.producer.enqueue,
    post: parts.sender.post,
    log: parts.log,
    retryWhileUnavailable: parts.retryWhileUnavailable,
    limiter: openConcurrencyLimiter(limits),
    honorDisableHeader: env.honorDisableHeader,
    retries: env.retries,
    failingAfterMs: env.failingAfterDays * 24 * 60 * 60 * 1_000,
    observe: observeAttempts(parts),
    ...(parts.tracing && env.sendTraceparent && { traceparent: parts.tracing.traceparent }),
  });
}

function openWorkersVerifier(env: WorkerEnv, parts: Parts) {
  return openVerifier({
    db: parts.db,
    cipher: parts.cipher,
    enqueue: parts.producer.enqueue,
    post: parts.sender.post,
    log: parts.log,
    retryWhileUnavailable: parts.retryWhileUnavailable,
    retries: env.retries,
    observe: observeVerifications(parts),
  });
}
