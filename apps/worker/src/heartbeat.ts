import { hostname } from 'node:os';
import { type Database, type Log, newId, recordWorker, removeWorker } from '@posthorn/core';
import { startLoop } from './loop.js';

export interface Heartbeat {
  /** Removes this worker from the list. Never throws. Takes moments, unless the database is away. */
  stop(): Promise<void>;
}

export interface HeartbeatOptions {
  db: Database;
  version: string;
  /** Several times within the 20 s after which a worker counts as dead. */
  everyMs: number;
  /** Whether it takes jobs. A worker that does not is not alive. */
  isConsuming: () => boolean;
  /** When the last job ended, by performance.now(), which clock changes do not affect. null: not yet. */
  signs: () => { lastJobAt: number | null; lastDispatchAt: number | null };
  log: Log;
}

/** Records immediately, and then regularly, that this worker is alive. */
export function startHeartbeat({ db, version, everyMs, isConsuming, signs, log }: HeartbeatOptions): Heartbeat {
  const id = newId();
  const startedAt = performance.now();
  const since = (at: number | null) => (at === null ? null : performance.now() - at);
  const loop = startLoop({
    name: 'heartbeat',
    log,
    restMs: everyMs,
    async round() {
      if (!isConsuming()) return;
      const { lastJobAt, lastDispatchAt } = signs();
      await recordWorker(db.pool, {
        id,
        hostname: hostname(),
        version,
        upForMs: performance.now() - startedAt,
        lastJobMsAgo: since(lastJobAt),
        lastDispatchMsAgo: since(lastDispatchAt),
      });
    },
  });
  return {
    async stop() {
      await loop.stop();
      // Otherwise it counts as dead and is removed later.
      await removeWorker(db.pool, id).catch(() => {});
    },
  };
}
