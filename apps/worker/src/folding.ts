import { setTimeout as pause } from 'node:timers/promises';
import { type Database, findShardsToFold, foldStats, type Log, shuffled } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

/** Statistics are correct without folding. This bounds the unfolded rows, which reads must add up one by one. */
const EVERY_MS = 5_000;
const AT_ONCE = 5_000;
/** Pause after a step that left rows behind, so that deliveries get CPU time. */
const STEP_MS = 50;

export interface FoldingOptions {
  db: Pick<Database, 'pool'>;
  log: Log;
  observe: (count: number) => void;
}

/** Folds the statistics every few seconds until it is stopped. Any number of processes share the work by shard. Between two steps
 *  of a shard with a backlog, each other shard gets one. */
export const startFolding = (options: FoldingOptions): Loop =>
  startLoop({
    name: 'stats',
    log: options.log,
    restMs: EVERY_MS,
    async round(signal) {
      let left = shuffled(await findShardsToFold(options.db.pool));
      while (left.length > 0 && !signal.aborted) left = await foldOnce(options, left, signal);
    },
  });

/** Returns the shards that have more rows. */
async function foldOnce({ db, observe }: FoldingOptions, shards: number[], signal: AbortSignal): Promise<number[]> {
  const more: number[] = [];
  for (const shard of shards) {
    if (signal.aborted) break;
    const count = await foldStats(db.pool, { shard, atOnce: AT_ONCE });
    observe(count ?? 0);
    if (count !== AT_ONCE) continue;
    more.push(shard);
    await pause(STEP_MS, undefined, { signal }).catch(() => {});
  }
  return more;
}
