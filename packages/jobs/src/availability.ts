import type { Log } from './log.js';

/** Says once that the queue went away and once that it is back, however often it is asked for meanwhile. */
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
