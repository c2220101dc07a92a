import { hostname } from 'node:os';
import { type Database, type Log, newId, recordWorker, removeWorker } from '@posthorn/core';
import { startLoop } from './loop.js';

export interface Heartbeat {
  /** Takes leave: from now on this worker is not missed. Never throws; within moments, unless the database is away. */
  stop(): Promise<void>;
}

export interface HeartbeatOptions {
  db: Database;
  version: string;
  /** A few times within the time after which a worker counts as dead: 20 s. */
  everyMs: number;
  /** Whether it takes jobs: one that does not is not alive, whatever else it does. */
  isConsuming: () => boolean;
  /** By performance.now(), which nobody sets; null: not yet. */
  signs: () => { lastJobAt: number | null; lastDispatchAt: number | null };
  log: Log;
}

/** Records from the start on, and then every so often, that this worker is alive. */
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
      // Otherwise it counts as one that died, and is forgotten later.
      await removeWorker(db.pool, id).catch(() => {});
    },
  };
}
