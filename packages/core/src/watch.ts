import { isDatabaseAway } from './database-away.js';
import type { Log } from './log.js';

/** Watches rows for any number of callers with one statement per look, and with none without callers. */
export interface Watch {
  /** Calls `onOver` once, when a look finds that the row with this id is over. Returns a function that stops
   *  watching. */
  add(id: string, onOver: () => void): () => void;
}

export interface WatchOptions {
  /** Milliseconds from the end of one look to the start of the next. */
  everyMs: number;
  /** Returns the ids whose row is over. If it throws, the next look tries again. */
  findOver(ids: string[]): Promise<string[]>;
  log: Log;
}

export function openWatch({ everyMs, findOver, log }: WatchOptions): Watch {
  const watched = new Map<string, Set<() => void>>();
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || watched.size === 0) return;
    isScheduled = true;
    setTimeout(() => {
      void look().finally(() => {
        isScheduled = false;
        schedule();
      });
    }, everyMs);
  }

  async function look(): Promise<void> {
    if (watched.size === 0) return;
    try {
      for (const id of await findOver([...watched.keys()])) {
        const callbacks = watched.get(id) ?? [];
        watched.delete(id);
        for (const onOver of callbacks) onOver();
      }
    } catch (error) {
      if (!isDatabaseAway(error)) log.error({ err: error }, 'watch.failed');
    }
  }

  return {
    add(id, onOver) {
      const callbacks = watched.get(id) ?? new Set();
      callbacks.add(onOver);
      watched.set(id, callbacks);
      schedule();
      return () => {
        callbacks.delete(onOver);
        if (callbacks.size === 0 && watched.get(id) === callbacks) watched.delete(id);
      };
    },
  };
}
