import { setTimeout as pause } from 'node:timers/promises';
import { type Database, findShardsToFold, foldStats, type Log, shuffled } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

/** Numbers are right without it: this is how much of them is not folded yet, and is read row by row. */
const EVERY_MS = 5_000;
const AT_ONCE = 5_000;
/** After a step that left rows behind, so that deliveries get their turn. */
const STEP_MS = 50;

export interface FoldingOptions {
  db: Pick<Database, 'pool'>;
  log: Log;
  observe: (count: number) => void;
}

/** Folds the statistics every few seconds until it is stopped. Any number of processes share the work, shard by shard. A shard with a backlog
 *  gets a step, then each of the others. */
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

/** Returns the shards that have more. */
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
