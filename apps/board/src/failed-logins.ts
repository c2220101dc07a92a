/** Counts wrong passwords per caller. After `limit` of them within `windowMs` each further one is refused unheard: that
 *  bounds the log. The right password is never refused, or anybody could lock the operators out: what keeps guesses out is
 *  its length, which the settings check. */
export type FailedLogins = {
  /** Milliseconds until a wrong password of this caller counts again; 0: now. */
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
      // Someone who comes from ever new addresses must not fill the memory: the one longest silent is forgotten.
      if (byCaller.size > MAX_CALLERS) for (const [oldest] of byCaller) return void byCaller.delete(oldest);
    },
    clear: (caller) => void byCaller.delete(caller),
  };
}

const MAX_CALLERS = 10_000;
