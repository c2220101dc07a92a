import { setTimeout as delay } from 'node:timers/promises';

/** A process that is up. */
export interface Running {
  readonly pid: number;
  /** Resolves, with what it said last, when it has ended, by stop() or by itself. */
  readonly exited: Promise<{ lastLines: string[] }>;
  stop(): Promise<void>;
}

export interface Kept<T extends Running> {
  /** The process as it runs now; after a restart another one. */
  readonly current: T;
  /** Ends it for good. Repeating is safe. */
  stop(): Promise<void>;
}

/** Starts something and starts it again whenever it ends unasked, after 1, 2, 4 … 30 s; what has held out for a minute
 *  begins at 1 again. Throws what the first start throws: what never was up is not tried again. */
export async function keepRunning<T extends Running>(
  name: string,
  {
    start,
    signal,
    say,
    onRestart,
  }: {
    /** Resolves when it is up. Gives up, cleaning up behind it, when the signal is aborted. */
    start: (previous: T | null, signal: AbortSignal) => Promise<T>;
    signal: AbortSignal;
    say: (line: string) => void;
    onRestart: () => void;
  },
): Promise<Kept<T>> {
  const stopping = new AbortController();
  let current = await start(null, signal);
  const watch = (async () => {
    let waitMs = 1000;
    while (!stopping.signal.aborted) {
      const upSince = Date.now();
      const { lastLines } = await current.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - upSince > 60_000) waitMs = 1000;
      say(
        [`${name} ended unasked; it is started again in ${waitMs / 1000} s.`, ...lastLines.slice(-10)].join('\n    '),
      );
      for (let up = false; !up && !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, 30_000)) {
        await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined); // stop() cuts it short
        up = await tryAgain();
      }
    }
  })();

  async function tryAgain(): Promise<boolean> {
    if (stopping.signal.aborted) return false;
    try {
      current = await start(current, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) say(error instanceof Error ? error.message : String(error));
      return false;
    }
    say(`${name} is up again.`);
    onRestart();
    return true;
  }

  return {
    get current() {
      return current;
    },
    stop: async () => {
      stopping.abort();
      await current.stop();
      await watch;
      await current.stop(); // a start that was just through when we came
    },
  };
}
