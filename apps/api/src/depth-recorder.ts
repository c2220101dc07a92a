import { type Database, hasQueueDepth, type Log, recordQueueDepth } from '@posthorn/core';
import type { ReadSystemMetrics } from './system-metrics.js';

const MINUTE_MS = 60_000;

export interface DepthRecorder {
  /** Ends after the running look. */
  close(): Promise<void>;
}

/** Stores now and every minute how much waits, so that the queues page can show it over time. Every API process does: so it continues while
 *  no worker is alive, and the first process of a minute counts. */
export function openDepthRecorder({
  db,
  systemMetrics,
  log,
}: {
  db: Database;
  systemMetrics: ReadSystemMetrics;
  log: Log;
}): DepthRecorder {
  let isFailing = false;
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    try {
      if (await hasQueueDepth(db.pool)) return;
      const { ledger, queues } = await systemMetrics();
      if (ledger === null) return; // its own reader logs why
      const waiting = queues && Object.values(queues).reduce((sum, one) => sum + one.waiting + one.prioritized, 0);
      await recordQueueDepth(db.pool, { waiting, deferred: ledger.deferred });
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'queue_depth.failed');
      isFailing = true;
    }
  }

  const timer = setInterval(() => {
    looking = looking.then(look);
  }, MINUTE_MS);
  timer.unref();
  looking = look();
  return {
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}
