import { setTimeout as pause } from 'node:timers/promises';
import { type Deps, dropOldFanOuts, expandFanOuts, isDatabaseAway, type Log } from '@posthorn/core';

/** Between two looks while nothing expands: publishes wake it earlier. */
const IDLE_MS = 1_000;
/** While what expands waits for the queue, or is in other hands. */
const WAITING_MS = 100;
/** A round is followed by a pause as long as it took, so that it takes at most half of one connection's time. */
const LONGEST_PAUSE_MS = 1_000;
const DROP_EVERY_MS = 10 * 60 * 1_000;

export interface Expanding {
  /** A publish has stored a fan-out: look now. */
  wake(): void;
  /** Ends after the round that is under way. */
  stop(): Promise<void>;
}

export interface ExpandingOptions extends Pick<Deps, 'db' | 'enqueue'> {
  log: Log;
  /** Of each chunk: so many deliveries were written. */
  observe: (chunk: { count: number }) => void;
}

/** Expands fan-outs until it is stopped. Any number of processes may: how far each got is in the ledger. Faults are logged once, when
 *  they begin and when they end; it goes on through them. */
export function startExpanding({ db, enqueue, log, observe }: ExpandingOptions): Expanding {
  const stopping = new AbortController();
  let isFailing = false;
  let dropAt = Date.now() + DROP_EVERY_MS;

  // A call that comes in the middle of a round is for the next one.
  let endRest: (() => void) | undefined;
  let isWanted = false;
  /** One round; returns how long to rest after it. */
  async function round(): Promise<number> {
    const startedAt = performance.now();
    isWanted = false;
    try {
      const { isAdvanced, isWaiting } = await expandFanOuts({ db, enqueue }, { observe });
      if (Date.now() >= dropAt) {
        dropAt = Date.now() + DROP_EVERY_MS;
        await dropOldFanOuts(db.pool);
      }
      if (isFailing) log.info({}, 'fan_outs.recovered');
      isFailing = false;
      if (isAdvanced) return Math.min(performance.now() - startedAt, LONGEST_PAUSE_MS);
      return isWaiting ? WAITING_MS : IDLE_MS;
    } catch (error) {
      // The attempts say that the database is away.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'fan_outs.failed');
      isFailing = true;
      return IDLE_MS;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const restMs = await round();
      // Only idling ends early: a publish makes no round longer than it is.
      if (restMs === IDLE_MS) await untilWoken();
      else await pause(restMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  async function untilWoken(): Promise<void> {
    if (isWanted || stopping.signal.aborted) return;
    const woken = new AbortController();
    endRest = () => woken.abort();
    await pause(IDLE_MS, undefined, { signal: woken.signal }).catch(() => {});
    endRest = undefined;
  }

  const running = run();
  return {
    wake() {
      isWanted = true;
      endRest?.();
    },
    async stop() {
      stopping.abort();
      endRest?.();
      await running;
    },
  };
}
