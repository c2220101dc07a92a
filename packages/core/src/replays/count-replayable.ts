import type { Queryable } from './find-replayable.js';
import type { ReplayFilter } from './replay-filter.js';
import { walk } from './walk.js';
import type { Position } from './next-target.js';

/** A preview stops counting here. */
const MAX_COUNTED = 10_000;

/** Maximum number of stretches per preview. */
const MAX_STRETCHES = 4;

export interface ReplayCount {
  matched: number;
  /** More may match than were counted. */
  hasMore: boolean;
  subscriptionCount: number;
  accountCount: number;
}

/** Counts what a replay would send again, up to MAX_COUNTED, in a bounded number of bounded searches. */
export async function countReplayable(client: Queryable, filter: ReplayFilter): Promise<ReplayCount> {
  const subscriptions = new Set<string>();
  const accounts = new Set<string>();
  let matched = 0;
  let position: Position = { accountId: null, subscriptionId: null, id: null };
  let isAtEnd = false;
  for (let stretches = 0; stretches < MAX_STRETCHES && !isAtEnd && matched <= MAX_COUNTED; stretches += 1) {
    const stretch = await walk(client, filter, position, { limit: MAX_COUNTED + 1 - matched });
    for (const { target, found } of stretch.portions) {
      matched += found.length;
      accounts.add(target.accountId);
      for (const { subscriptionId } of found) subscriptions.add(subscriptionId);
    }
    ({ position, isAtEnd } = stretch);
  }
  return {
    matched: Math.min(matched, MAX_COUNTED),
    hasMore: !isAtEnd || matched > MAX_COUNTED,
    subscriptionCount: subscriptions.size,
    accountCount: accounts.size,
  };
}
