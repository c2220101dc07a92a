import { type Database, hasQueueDepth, type Log, recordQueueDepth } from '@posthorn/core';
import type { ReadSystemMetrics } from './system-metrics.js';

const MINUTE_MS = 60_000;

export interface DepthRecorder {
  /** Stops recording. Waits for the running recording. */
  close(): Promise<void>;
}

/** Records the depth of the queues now and every minute, so that the queues page can show it over time. Every API process runs one, so that
 *  recording continues while no worker is alive. The first process of a minute stores the row. */
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
  let recording: Promise<void> = Promise.resolve();

  async function record(): Promise<void> {
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
    recording = recording.then(record);
  }, MINUTE_MS);
  timer.unref();
  recording = record();
  return {
    async close() {
      clearInterval(timer);
      await recording;
    },
  };
}
