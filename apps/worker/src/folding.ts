import { setTimeout as pause } from 'node:timers/promises';
import { type Database, foldStats, isDatabaseAway, type Log } from '@posthorn/core';

/** Numbers are right without it: this is how much of them is not rolled up yet, and is read row by row. */
const EVERY_MS = 5_000;
const AT_ONCE = 5_000;
/** Between two steps of one round. */
const STEP_MS = 50;

export interface Folding {
  /** Ends after the step that is running. */
  stop(): Promise<void>;
}

/** Rolls the statistics up every few seconds until it is stopped. Of any number of processes one works. Faults are logged once,
 *  when they begin and when they end; it goes on through them. */
export function startFolding({
  db,
  log,
  observe,
}: {
  db: Pick<Database, 'pool'>;
  log: Log;
  observe: (count: number) => void;
}): Folding {
  const stopping = new AbortController();
  let isFailing = false;

  async function round(): Promise<void> {
    try {
      for (let count = AT_ONCE; count === AT_ONCE && !stopping.signal.aborted;) {
        count = (await foldStats(db.pool, { atOnce: AT_ONCE })) ?? 0;
        observe(count);
        if (count === AT_ONCE) await rest(STEP_MS);
      }
      if (isFailing) log.info({}, 'stats.recovered');
      isFailing = false;
    } catch (error) {
      // The attempts say that the database is away; this need not say it again.
      if (isDatabaseAway(error)) return;
      if (!isFailing) log.error({ err: error }, 'stats.failed');
      isFailing = true;
    }
  }

  const rest = (ms: number) => pause(ms, undefined, { signal: stopping.signal }).catch(() => {});

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await round();
      await rest(EVERY_MS);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
