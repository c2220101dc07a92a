import { setTimeout as delay } from 'node:timers/promises';

/** A running process. */
export interface Running {
  readonly pid: number;
  /** Resolves with its last log lines when it has ended, after stop() or unexpectedly. */
  readonly exited: Promise<{ lastLines: string[] }>;
  stop(): Promise<void>;
}

export interface Kept<T extends Running> {
  /** The running process; a restart replaces it. */
  readonly current: T;
  /** Ends it without a restart. Repeating is safe. */
  stop(): Promise<void>;
}

/** Starts a process, and restarts it when it ends unexpectedly, after 1, 2, 4 … 30 s. The wait is 1 s again after a minute up.
 *  Throws if the first start fails. */
export async function keepRunning<T extends Running>(
  name: string,
  {
    start,
    signal,
    say,
    onRestart,
  }: {
    /** Resolves when it is up. Stops and cleans up when the signal aborts. */
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
      say([`${name} ended unexpectedly; restarting it in ${waitMs / 1000} s.`, ...lastLines.slice(-10)].join('\n    '));
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
      await current.stop(); // a restart may have finished meanwhile
    },
  };
}
