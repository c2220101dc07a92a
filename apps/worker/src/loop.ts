import { setTimeout as pause } from 'node:timers/promises';
import { type Log, isDatabaseAway } from '@posthorn/core';

/** The rest of a loop that `looking` wakes when some of its work is due. It ends anyway, in case a wake-up is missed. */
const UNTIL_DUE_MS = 60_000;

/** For a loop whose rounds start when `looking` wakes it. After a round without a rest of its own, the next one starts at least `paceMs`
 *  later. Default: 0. */
export const whenDue = (paceMs = 0): Pick<LoopOptions, 'restMs' | 'atLeastMs'> => ({
  restMs: UNTIL_DUE_MS,
  atLeastMs: (restMs) => (restMs === UNTIL_DUE_MS ? paceMs : restMs),
});

/** Work that a worker repeats beside its jobs.
 *
 *  state      entered when                                  left when
 *  working    it starts; the rest is over; it is woken      the round ends
 *  resting    a round has ended                             its time is over, or `wake` was called and `atLeastMs` have passed
 *  stopped    `stop`, and the round that runs has ended     – */
export interface Loop {
  /** Starts the next round as soon as possible. A call during a round counts for the next one. */
  wake(): void;
  /** Resolves after the running round. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /** Names the log lines: `<name>.failed` and `<name>.recovered`. */
  name: string;
  log: Log;
  /** Returns the rest after it in milliseconds, or nothing for `restMs`. `signal` aborts at the stop. Throws are logged once
   *  when faults begin and once when they end. (The attempts log that the database is away.) */
  round: (signal: AbortSignal) => Promise<number | void>;
  /** The rest after a round that returns nothing, or throws. */
  restMs: number;
  /** The part of a rest that `wake` does not shorten. Default: all of it. */
  atLeastMs?: (restMs: number) => number;
}

/** Starts the first round at once, and continues despite faults until it is stopped. */
export function startLoop({ name, log, round, restMs, atLeastMs = (ms) => ms }: LoopOptions): Loop {
  const stopping = new AbortController();
  let isFailing = false;
  let isWoken = false;
  let endRest: (() => void) | undefined;

  async function work(): Promise<number> {
    isWoken = false;
    try {
      const ms = (await round(stopping.signal)) ?? restMs;
      if (isFailing) log.info({}, `${name}.recovered`);
      isFailing = false;
      return ms;
    } catch (error) {
      if (isDatabaseAway(error)) return restMs;
      if (!isFailing) log.error({ err: error }, `${name}.failed`);
      isFailing = true;
      return restMs;
    }
  }

  async function rest(ms: number): Promise<void> {
    const firstMs = atLeastMs(ms);
    await pause(firstMs, undefined, { signal: stopping.signal }).catch(() => {});
    if (isWoken || stopping.signal.aborted || firstMs >= ms) return;
    const woken = new AbortController();
    endRest = () => woken.abort();
    await pause(ms - firstMs, undefined, { signal: woken.signal }).catch(() => {});
    endRest = undefined;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) await rest(await work());
  }

  const running = run();
  const wake = () => {
    isWoken = true;
    endRest?.();
  };
  return {
    wake,
    async stop() {
      stopping.abort();
      wake();
      await running;
    },
  };
}
