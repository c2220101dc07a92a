/** Counts wrong passwords per caller. After `limit` within `windowMs`, further wrong passwords get a 429, which bounds the log.
 *  The right password always works, so nobody can lock the operators out. Its minimum length protects against guessing. */
export type FailedLogins = {
  /** Milliseconds until this caller's wrong passwords are checked again; 0: now. */
  waitMs(caller: string): number;
  add(caller: string): void;
  clear(caller: string): void;
};

export function countFailedLogins(options: { limit: number; windowMs: number; now: () => number }): FailedLogins {
  const { limit, windowMs, now } = options;
  const byCaller = new Map<string, number[]>();

  function recent(caller: string): number[] {
    const times = (byCaller.get(caller) ?? []).filter((at) => at > now() - windowMs);
    if (times.length === 0) byCaller.delete(caller);
    return times;
  }

  return {
    waitMs(caller) {
      const times = recent(caller);
      const oldestThatCounts = times.at(-limit);
      return oldestThatCounts === undefined ? 0 : Math.max(0, oldestThatCounts + windowMs - now());
    },
    add(caller) {
      const times = [...recent(caller), now()].slice(-limit);
      byCaller.delete(caller);
      byCaller.set(caller, times);
      // Bounds the memory for callers with ever new addresses: drops the caller with the oldest failure.
      if (byCaller.size > MAX_CALLERS) for (const [oldest] of byCaller) return void byCaller.delete(oldest);
    },
    clear: (caller) => void byCaller.delete(caller),
  };
}

const MAX_CALLERS = 10_000;
