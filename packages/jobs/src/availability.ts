import type { Log } from './log.js';

/** Logs once when the queue goes away and once when it is back, however often it is called meanwhile. */
export interface Availability {
  lost(error: unknown): void;
  found(): void;
  readonly isAway: boolean;
}

export function openAvailability(log: Log): Availability {
  let awaySince: number | null = null;
  return {
    lost(error) {
      if (awaySince !== null) return;
      awaySince = Date.now();
      log.error({ err: error }, 'queue.away');
    },
    found() {
      if (awaySince === null) return;
      log.info({ awayMs: Date.now() - awaySince }, 'queue.back');
      awaySince = null;
    },
    get isAway() {
      return awaySince !== null;
    },
  };
}
