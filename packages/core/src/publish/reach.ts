/** Remembers how many deliveries the last event of an account and type had. A publisher sorts requests by it before the database knows.
 *
 *  count                        expected        isHeavy   knownFanOut
 *  unknown, or under FEW        1               no        null: the statement counts
 *  FEW up to `limit`            the count       yes       null: the statement counts
 *  above, under KEEP_MS old     0: it is a row  no        the count; after FRESH_MS `isStale`, and the publisher counts beside
 *  above, older                 0: it is a row  yes       null: the statement counts
 *
 *  An old number is harmless: a statement bounds what it writes itself. */
export interface Reach {
  /** How many deliveries a statement is expected to write for an event. */
  expected(key: ReachKey): number;
  /** Whether its statement takes long enough that others must not wait for it. */
  isHeavy(key: ReachKey): boolean;
  /** How many deliveries an event has that is too large for a statement. */
  knownFanOut(key: ReachKey): number | null;
  /** That number should be counted again. */
  isStale(key: ReachKey): boolean;
  /** So many deliveries an event had. (Of a known fan-out this says nothing new: the ledger repeats what it was given.) */
  learn(key: ReachKey, count: number): void;
  /** So many were counted just now. */
  refresh(key: ReachKey, count: number): void;
}

export interface ReachKey {
  accountId: string;
  type: string;
}

/** A statement with so many deliveries takes some 20 ms. */
const FEW = 500;
/** To count 100,000 subscriptions takes some 40 ms: too long for each publish to wait for it. */
const FRESH_MS = 10_000;
const KEEP_MS = 10 * 60_000;
/** Pairs of account and type, only those with many subscriptions. */
const MOST_REMEMBERED = 10_000;

export function openReach({ limit, now = Date.now }: { limit: number; now?: () => number }): Reach {
  const few = Math.min(FEW, limit);
  const counts = new Map<string, { count: number; countedAt: number }>();
  const textOf = ({ accountId, type }: ReachKey) => `${accountId}\n${type}`;
  const find = (key: ReachKey) => (counts.size === 0 ? undefined : counts.get(textOf(key)));

  function knownFanOut(key: ReachKey): number | null {
    const known = find(key);
    return known && known.count > limit && now() - known.countedAt < KEEP_MS ? known.count : null;
  }

  function refresh(key: ReachKey, count: number): void {
    const text = textOf(key);
    // The one that was learned longest ago is the first.
    counts.delete(text);
    if (count >= few) counts.set(text, { count, countedAt: now() });
    const oldest = counts.size > MOST_REMEMBERED ? counts.keys().next().value : undefined;
    if (oldest !== undefined) counts.delete(oldest);
  }

  return {
    knownFanOut,
    refresh,
    expected(key) {
      const count = find(key)?.count ?? 0;
      if (count > limit) return 0;
      return count < few ? 1 : count;
    },
    isHeavy: (key) => (find(key)?.count ?? 0) >= few && knownFanOut(key) === null,
    isStale(key) {
      const known = find(key);
      return known !== undefined && known.count > limit && now() - known.countedAt >= FRESH_MS;
    },
    learn(key, count) {
      if (count < few && find(key) === undefined) return;
      if (knownFanOut(key) === null) refresh(key, count);
    },
  };
}
