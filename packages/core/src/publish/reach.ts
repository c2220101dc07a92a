/** Caches how many subscriptions got the type of the last event of an account, whatever their filters, so that a publisher can group requests before the database
 *  counts.
 *
 *  count                        expected        isHeavy   knownFanOut
 *  unknown, or under FEW        1               no        null: the statement counts
 *  FEW up to `limit`            the count       yes       null: the statement counts
 *  above, under KEEP_MS old     0: a fan-out    no        the count; after FRESH_MS `isStale`: the publisher recounts
 *  above, older                 0: a fan-out    yes       null: the statement counts
 *
 *  An old number is harmless, because a statement bounds what it writes. */
export interface Reach {
  /** Returns how many deliveries a statement is expected to write for an event. */
  expected(key: ReachKey): number;
  /** Returns whether the statement takes so long that other publishes must not wait for it. */
  isHeavy(key: ReachKey): boolean;
  /** Returns how many deliveries an event has if it is too large for a statement; otherwise null. */
  knownFanOut(key: ReachKey): number | null;
  /** Returns whether that number should be counted again. */
  isStale(key: ReachKey): boolean;
  /** Stores how many deliveries an event had. Ignored for a known fan-out, because the statement only returns the
   *  cached number. */
  learn(key: ReachKey, count: number): void;
  /** Stores a fresh count. */
  refresh(key: ReachKey, count: number): void;
}

export interface ReachKey {
  accountId: string;
  type: string;
}

/** A statement that writes this many deliveries takes about 20 ms. */
const FEW = 500;
/** Counting 100,000 subscriptions takes about 40 ms, too long for every publish. */
const FRESH_MS = 10_000;
const KEEP_MS = 10 * 60_000;
/** Pairs of account and type, only for accounts with many subscriptions. */
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
    // A Map keeps insertion order, so the oldest entry is the first.
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
