import { isDatabaseAway } from './database-away.js';
import type { Log } from './log.js';

/** Watches rows for any number of callers with one statement per poll; without callers, there is no poll. */
export interface Watch {
  /** Calls `onEnd` once, when a poll finds that the row with this id has ended. Returns a function that stops
   *  watching. */
  add(id: string, onEnd: () => void): () => void;
}

export interface WatchOptions {
  /** Milliseconds from the end of one poll to the start of the next. */
  everyMs: number;
  /** Returns the ids whose row has ended. If it throws, the next poll repeats the query. */
  findEnded(ids: string[]): Promise<string[]>;
  log: Log;
}

export function openWatch({ everyMs, findEnded, log }: WatchOptions): Watch {
  const watched = new Map<string, Set<() => void>>();
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || watched.size === 0) return;
    isScheduled = true;
    setTimeout(() => {
      void poll().finally(() => {
        isScheduled = false;
        schedule();
      });
    }, everyMs);
  }

  async function poll(): Promise<void> {
    if (watched.size === 0) return;
    try {
      for (const id of await findEnded([...watched.keys()])) {
        const callbacks = watched.get(id) ?? [];
        watched.delete(id);
        for (const onEnd of callbacks) onEnd();
      }
    } catch (error) {
      if (!isDatabaseAway(error)) log.error({ err: error }, 'watch.failed');
    }
  }

  return {
    add(id, onEnd) {
      const callbacks = watched.get(id) ?? new Set();
      callbacks.add(onEnd);
      watched.set(id, callbacks);
      schedule();
      return () => {
        callbacks.delete(onEnd);
        if (callbacks.size === 0 && watched.get(id) === callbacks) watched.delete(id);
      };
    },
  };
}
