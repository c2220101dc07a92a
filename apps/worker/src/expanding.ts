import { type Deps, dropOldFanOuts, expandFanOuts, type Log } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

/** Between two looks while nothing expands: publishes wake it earlier. */
const IDLE_MS = 1_000;
/** While what expands waits for the queue, or is in other hands. */
const WAITING_MS = 100;
/** A round is followed by a pause as long as it took, so that it takes at most half of one connection's time. */
const LONGEST_PAUSE_MS = 1_000;
const DROP_EVERY_MS = 10 * 60 * 1_000;

export interface ExpandingOptions extends Pick<Deps, 'db' | 'enqueue'> {
  log: Log;
  /** Of each chunk: so many deliveries were written. */
  observe: (chunk: { count: number }) => void;
}

/** Expands fan-outs until it is stopped. A publish that has stored one wakes it. Any number of processes may: how far each got is
 *  in the ledger. */
export function startExpanding({ db, enqueue, log, observe }: ExpandingOptions): Loop {
  let dropAt = Date.now() + DROP_EVERY_MS;
  return startLoop({
    name: 'fan_outs',
    log,
    restMs: IDLE_MS,
    // Only idling ends early: a publish makes no round longer than it is.
    atLeastMs: (restMs) => (restMs === IDLE_MS ? 0 : restMs),
    async round() {
      const startedAt = performance.now();
      const { isAdvanced, isWaiting } = await expandFanOuts({ db, enqueue }, { observe });
      if (Date.now() >= dropAt) {
        dropAt = Date.now() + DROP_EVERY_MS;
        await dropOldFanOuts(db.pool);
      }
      if (isAdvanced) return Math.min(performance.now() - startedAt, LONGEST_PAUSE_MS);
      return isWaiting ? WAITING_MS : IDLE_MS;
    },
  });
}
