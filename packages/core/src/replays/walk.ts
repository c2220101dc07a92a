import { type Found, findReplayable, type Queryable, type Target } from './find-replayable.js';
import { nextTarget, type Position } from './next-target.js';
import type { ReplayFilter } from './replay-filter.js';

/** Maximum number of searches per stretch. */
const MAX_SEARCHES = 40;

export interface Stretch {
  portions: { target: Target; found: Found[] }[];
  /** Where the next stretch starts. */
  position: Position;
  isAtEnd: boolean;
}

/** enter: search it · skip: continue with the next target · wait: end the stretch; the next one starts here. */
export type Claim = 'enter' | 'skip' | 'wait';

interface Options {
  /** Maximum number of matches. */
  limit: number;
  /** Decides for each target before it is searched. Default: enter. */
  claim?: (target: Target) => Promise<Claim>;
}

/** Finds what a replay sends, starting at a position. One stretch reads a bounded number of rows for any filter, so it may find nothing before
 *  the end. The preview and the workers both use it, so they find the same. */
export async function walk(
  client: Queryable,
  filter: ReplayFilter,
  from: Position,
  { limit, claim = () => Promise.resolve('enter' as const) }: Options,
): Promise<Stretch> {
  const portions: Stretch['portions'] = [];
  let position = from;
  let left = limit;
  for (let searches = 0; searches < MAX_SEARCHES && left > 0; searches += 1) {
    const { accountId, subscriptionId, id } = position;
    if (accountId === null || id === null) {
      const next = await nextTarget(client, filter, position);
      if (next === null) return { portions, position, isAtEnd: true };
      position = next;
      continue;
    }
    const target = { accountId, subscriptionId };
    const claimed = await claim(target);
    if (claimed === 'wait') break;
    if (claimed === 'skip') {
      position = { ...target, id: null };
      continue;
    }
    const { found, edge } = await findReplayable(client, { target, filter, afterId: id, limit: left });
    if (found.length > 0) portions.push({ target, found });
    left -= found.length;
    position = { ...target, id: edge };
    // It has read SCAN_LIMIT rows, or found enough.
    if (edge !== null) break;
  }
  return { portions, position, isAtEnd: false };
}
