import { type Deps, expandFanOuts, type Log } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

/** Pause while fan-outs wait for the queue, or other processes expand them. */
const WAITING_MS = 100;
/** A pause follows each round and lasts as long, so expanding uses at most half of one connection's time. */
const LONGEST_PAUSE_MS = 1_000;

export interface ExpandingOptions extends Pick<Deps, 'db' | 'enqueue'> {
  log: Log;
  /** Called after each chunk with the number of deliveries written. */
  observe: (chunk: { count: number }) => void;
}

/** Expands fan-outs until it is stopped. A publish that has stored one also wakes it. Any number of processes may run it, since the
 *  ledger records the progress. */
export function startExpanding({ db, enqueue, log, observe }: ExpandingOptions): Loop {
  return startLoop({
    name: 'fan_outs',
    log,
    ...whenDue(), // so a publish cannot shorten the other pauses
    async round() {
      const startedAt = performance.now();
      const { isAdvanced, isWaiting } = await expandFanOuts({ db, enqueue }, { observe });
      if (isAdvanced) return Math.min(performance.now() - startedAt, LONGEST_PAUSE_MS);
      return isWaiting ? WAITING_MS : undefined;
    },
  });
}
