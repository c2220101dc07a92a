import { setTimeout as pause } from 'node:timers/promises';
import { type Database, findShardsToFold, foldStats, isDatabaseAway, type Log, shuffled } from '@posthorn/core';

/** Numbers are right without it: this is how much of them is not folded yet, and is read row by row. */
const EVERY_MS = 5_000;
const AT_ONCE = 5_000;
/** After a step that left rows behind, so that deliveries get their turn. */
const STEP_MS = 50;

export interface Folding {
  /** Ends after the step that is running. */
  stop(): Promise<void>;
}

/** Folds the statistics every few seconds until it is stopped. Any number of processes share the work, shard by shard. A shard with a backlog
 *  gets a step, then each of the others. Faults are logged once, when they begin and when they end; it goes on through them. */
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
      let left = shuffled(await findShardsToFold(db.pool));
      while (left.length > 0 && !stopping.signal.aborted) left = await foldOnce(left);
      if (isFailing) log.info({}, 'stats.recovered');
      isFailing = false;
    } catch (error) {
      // The attempts say that the database is away; this need not say it again.
      if (isDatabaseAway(error)) return;
      if (!isFailing) log.error({ err: error }, 'stats.failed');
      isFailing = true;
    }
  }

  /** Returns the shards that have more. */
  async function foldOnce(shards: number[]): Promise<number[]> {
    const more: number[] = [];
    for (const shard of shards) {
      if (stopping.signal.aborted) break;
      const count = await foldStats(db.pool, { shard, atOnce: AT_ONCE });
      observe(count ?? 0);
      if (count !== AT_ONCE) continue;
      more.push(shard);
      await rest(STEP_MS);
    }
    return more;
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
