/** How many units of a limited resource a holder may have at once. */
export interface Share {
  /** A key, an account or the process. */
  holder: string;
  max: number;
}

export type Acquired = { outcome: 'acquired'; release(): void } | { outcome: 'full'; share: Share };

/** Counts the units that each holder has in this process. Returns a function that acquires one unit of each share, or none if one of
 *  them is full. Releasing twice is harmless. */
export function openShares(): (shares: Share[]) => Acquired {
  const acquired = new Map<string, number>();
  const add = (holder: string, change: number) => {
    const count = (acquired.get(holder) ?? 0) + change;
    if (count === 0) acquired.delete(holder);
    else acquired.set(holder, count);
  };
  return (shares) => {
    const full = shares.find(({ holder, max }) => (acquired.get(holder) ?? 0) >= max);
    if (full) return { outcome: 'full', share: full };
    for (const { holder } of shares) add(holder, 1);
    let isReleased = false;
    return {
      outcome: 'acquired',
      release() {
        if (isReleased) return;
        isReleased = true;
        for (const { holder } of shares) add(holder, -1);
      },
    };
  };
}
