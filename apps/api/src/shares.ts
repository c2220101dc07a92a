/** A part of something limited: the most that its holder may have at once. */
export interface Share {
  /** The holder, as a key: a caller, an account, the process. */
  holder: string;
  most: number;
}

export type Taken = { outcome: 'taken'; release(): void } | { outcome: 'full'; share: Share };

/** Counts what the holders have at the moment, in this process. The function that it returns takes one of each share, or nothing if
 *  one of them is full. Releasing twice is harmless. */
export function openShares(): (shares: Share[]) => Taken {
  const taken = new Map<string, number>();
  const add = (holder: string, change: number) => {
    const count = (taken.get(holder) ?? 0) + change;
    if (count === 0) taken.delete(holder);
    else taken.set(holder, count);
  };
  return (shares) => {
    const full = shares.find(({ holder, most }) => (taken.get(holder) ?? 0) >= most);
    if (full) return { outcome: 'full', share: full };
    for (const { holder } of shares) add(holder, 1);
    let isReleased = false;
    return {
      outcome: 'taken',
      release() {
        if (isReleased) return;
        isReleased = true;
        for (const { holder } of shares) add(holder, -1);
      },
    };
  };
}
