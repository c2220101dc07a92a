import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Database, type Log, isDatabaseAway, newId, recordWorker, removeWorker } from '@posthorn/core';

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

/** Tells from the start on, and then every so often, that this worker is alive. Faults are logged once; it goes on through them. */
export function startHeartbeat({ db, version, everyMs, isConsuming, signs, log }: HeartbeatOptions): Heartbeat {
  const stopping = new AbortController();
  const id = newId();
  const startedAt = performance.now();
  let isFailing = false;

  async function beat(): Promise<void> {
    if (!isConsuming()) return;
    const { lastJobAt, lastDispatchAt } = signs();
    const since = (at: number | null) => (at === null ? null : performance.now() - at);
    try {
      await recordWorker(db.pool, {
        id,
        hostname: hostname(),
        version,
        upForMs: performance.now() - startedAt,
        lastJobMsAgo: since(lastJobAt),
        lastDispatchMsAgo: since(lastDispatchAt),
      });
      isFailing = false;
    } catch (error) {
      // The attempts say that the database is away; this need not say it again.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'heartbeat.failed');
      isFailing = true;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await beat();
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
      // Otherwise it counts as one that died, and is forgotten later.
      await removeWorker(db.pool, id).catch(() => {});
    },
  };
}
