import {
  countAllSubscriptions,
  type Database,
  isDatabaseAway,
  type LedgerMetrics,
  type Log,
  type Reader,
  type ReplicaStatus,
  readLedgerMetrics,
  type SubscriptionCounts,
} from '@posthorn/core';
import type { QueueMetrics, QueueName } from '@posthorn/jobs';
import { shareResult } from '@posthorn/lifecycle';

/** State of the ledger and of the queue. null: could not be read, and an older value would mislead. */
export interface SystemMetrics {
  sampledAt: Date;
  ledger: (LedgerMetrics & SubscriptionCounts) | null;
  queues: Record<QueueName, QueueMetrics> | null;
  /** The read replica. null: none is configured. */
  replica: ReplicaStatus | null;
}

/** Resolves within seconds and never throws. */
export type ReadSystemMetrics = () => Promise<SystemMetrics>;

export interface SystemMetricsOptions {
  db: Database;
  reader: Reader;
  readQueues: () => Promise<Record<QueueName, QueueMetrics>>;
  /** Calls within this time share a result. */
  maxAgeMs: number;
  log: Log;
  /** Default: performance.now. */
  now?: () => number;
}

const READ_TIMEOUT_MS = 4_000;
/** Counting the subscriptions reads all of them: 10,000 in about 6 ms. So one count of more serves several readings, at most a minute. */
const COUNTED_PER_READING = 10_000;
const MAX_READINGS_PER_COUNT = 12;

function readingsPerCount({ subscriptions }: SubscriptionCounts): number {
  const total = Object.values(subscriptions).reduce((sum, count) => sum + count, 0);
  return Math.min(MAX_READINGS_PER_COUNT, Math.max(1, Math.ceil(total / COUNTED_PER_READING)));
}

/** Reads the metrics for /metrics, /readyz and /v1/queues, at most once per `maxAgeMs`. */
export function openSystemMetrics({
  db,
  reader,
  readQueues,
  maxAgeMs,
  log,
  now = () => performance.now(),
}: SystemMetricsOptions): ReadSystemMetrics {
  let isFailing = false;
  const count = shareResult(() => countAllSubscriptions(db.pool), {
    maxAgeMs: (counts) => maxAgeMs * readingsPerCount(counts),
    now,
  });

  async function readLedger(): Promise<SystemMetrics['ledger']> {
    try {
      const [ledger, counts] = await within(READ_TIMEOUT_MS, Promise.all([readLedgerMetrics(db.pool), count()]));
      isFailing = false;
      return { ...ledger, ...counts };
    } catch (error) {
      // An unavailable database shows in the result and is logged elsewhere.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'system_metrics.failed');
      isFailing = true;
      return null;
    }
  }

  async function read(): Promise<SystemMetrics> {
    const sampledAt = new Date();
    // The producer logs why the queue fails.
    const [ledger, queues, replica] = await Promise.all([
      readLedger(),
      readQueues().catch(() => null),
      reader.measure(),
    ]);
    return { sampledAt, ledger, queues, replica };
  }

  return shareResult(read, { maxAgeMs, now });
}

/** Rejects when `work` takes longer than `ms`, for example because all connections of the pool are in use. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`reading the ledger took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
