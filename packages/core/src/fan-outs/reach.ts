/** Remembers how many deliveries the last event of an account and type had. A publisher sorts requests by it before the database knows.
 *
 *  count                         expected         isHeavy   knownFanOut
 *  not known, or under FEW       1                no        null: the statement counts
 *  FEW up to `limit`             the count        yes       null: the statement counts
 *  above, counted just now       0: a row         no        the count
 *  above, counted a while ago    0: a row         yes       null: the statement counts all of them again
 *
 *  An old number is harmless: a statement bounds what it writes itself. */
export interface Reach {
  /** How many deliveries a statement is expected to write for an event. */
  expected(key: ReachKey): number;
  /** Whether its statement takes long enough that others must not wait for it. */
  isHeavy(key: ReachKey): boolean;
  /** How many deliveries an event has that is too large for a statement. */
  knownFanOut(key: ReachKey): number | null;
  /** What the ledger said of an event. */
  learn(key: ReachKey, count: number): void;
}

export interface ReachKey {
  accountId: string;
  type: string;
}

/** A statement with so many deliveries takes some 20 ms. */
const FEW = 500;
/** To count 100,000 subscriptions takes some 30 ms, so it is done once in this time. */
const FRESH_MS = 10_000;
/** Pairs of account and type, only those with many subscriptions. */
const MOST_REMEMBERED = 10_000;

export function openReach({ limit, now = Date.now }: { limit: number; now?: () => number }): Reach {
  const few = Math.min(FEW, limit);
  const counts = new Map<string, { count: number; countedAt: number }>();
  const keyOf = ({ accountId, type }: ReachKey) => `${accountId}\n${type}`;
  const countOf = (key: ReachKey) => (counts.size === 0 ? 0 : (counts.get(keyOf(key))?.count ?? 0));

  function knownFanOut(key: ReachKey): number | null {
    const known = counts.size === 0 ? undefined : counts.get(keyOf(key));
    return known && known.count > limit && now() - known.countedAt < FRESH_MS ? known.count : null;
  }

  return {
    knownFanOut,
    expected(key) {
      const count = countOf(key);
      return count > limit ? 0 : Math.max(1, count);
    },
    isHeavy: (key) => countOf(key) >= few && knownFanOut(key) === null,
    learn(key, count) {
      if (count < few && counts.size === 0) return;
      // The ledger repeats what it was given.
      if (knownFanOut(key) !== null) return;
      const text = keyOf(key);
      // The one that was learned longest ago goes.
      counts.delete(text);
      if (count >= few) counts.set(text, { count, countedAt: now() });
      const oldest = counts.size > MOST_REMEMBERED ? counts.keys().next().value : undefined;
      if (oldest !== undefined) counts.delete(oldest);
    },
  };
}
