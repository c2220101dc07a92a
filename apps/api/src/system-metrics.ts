import {
  type Database,
  isDatabaseAway,
  type LedgerMetrics,
  type Log,
  type Reader,
  type ReplicaStatus,
  readLedgerMetrics,
} from '@posthorn/core';
import type { QueueMetrics, QueueName } from '@posthorn/jobs';
import { shareResult } from '@posthorn/lifecycle';

/** How things stand in the ledger and in the queue; null: it could not be asked, and nothing older is told in its place. */
export interface SystemMetrics {
  sampledAt: Date;
  ledger: LedgerMetrics | null;
  queues: Record<QueueName, QueueMetrics> | null;
  /** Where lists are read; null: there is no replica. */
  replica: ReplicaStatus | null;
}

/** Answers within seconds and never throws. */
export type ReadSystemMetrics = () => Promise<SystemMetrics>;

export interface SystemMetricsOptions {
  db: Database;
  reader: Reader;
  readQueues: () => Promise<Record<QueueName, QueueMetrics>>;
  /** Who asks sooner than this after somebody else gets the same answer. */
  maxAgeMs: number;
  log: Log;
}

const ANSWER_WITHIN_MS = 4_000;

/** Reads the metrics for all who ask: /metrics, /readyz, /v1/queues. However many ask, they are read once in `maxAgeMs`. */
export function openSystemMetrics({ db, reader, readQueues, maxAgeMs, log }: SystemMetricsOptions): ReadSystemMetrics {
  let isFailing = false;

  async function readLedger(): Promise<LedgerMetrics | null> {
    try {
      const ledger = await within(ANSWER_WITHIN_MS, readLedgerMetrics(db.pool));
      isFailing = false;
      return ledger;
    } catch (error) {
      // That the database is away is told by the answer; the logs say it elsewhere.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'system_metrics.failed');
      isFailing = true;
      return null;
    }
  }

  async function read(): Promise<SystemMetrics> {
    const sampledAt = new Date();
    // Why the queue does not answer is logged by who has jobs for it.
    const [ledger, queues, replica] = await Promise.all([
      readLedger(),
      readQueues().catch(() => null),
      reader.measure(),
    ]);
    return { sampledAt, ledger, queues, replica };
  }

  return shareResult(read, { maxAgeMs });
}

/** Rejects when `work` takes longer: a pool whose connections are all in use makes it wait. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the ledger did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
