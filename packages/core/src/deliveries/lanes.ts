/** What one process lets each subscription have under way, so that none takes all of its slots, however slow it is.
 *
 *  An attempt is fresh at first, and slow once it has taken SLOW_AFTER_MS, or if one of its subscription does right now. Fresh
 *  ones share the slots; slow ones only wait for somebody else, so they get slots of their own beside these. Of each kind a
 *  subscription may have half as many as are still free: one alone gets a third of all, ten get five sixths together, a
 *  hundred still leave room for the next (dynamic thresholds: Choudhury and Hahne, "Dynamic queue length thresholds for
 *  shared-memory packet switches", 1998). */
export interface Lanes {
  /** Resolves with a pass for one attempt, at the latest after SLOW_AFTER_MS; null: its subscription has its share under way.
   *  Hand the pass back with `leave`. */
  enter(subscriptionId: string): Promise<Pass | null>;
  /** The same without asking, for what a person waits for. */
  push(subscriptionId: string): Pass;
  /** How many attempts of a subscription are under way. */
  underWay(subscriptionId: string): number;
  /** How many it can have for now: what it has, if it is slow; otherwise there is room again within moments, and all that may
   *  wait here meanwhile does no harm. */
  bearable(subscriptionId: string): number;
}

export interface Pass {
  leave(): void;
}

export interface LanesOptions {
  /** Fresh attempts at once. */
  slots: number;
  /** Called when the number of slow attempts has changed: so many slots are needed beside the others. */
  onSlow?: (count: number) => void;
  slowAfterMs?: number;
}

const SLOW_AFTER_MS = 250;
const SLOW_PER_SLOT = 2;

interface Lane {
  fresh: number;
  slow: number;
  /** Of these, how many have taken SLOW_AFTER_MS. */
  lateCount: number;
  waiting: ((pass: Pass) => void)[];
}

export function openLanes({ slots, onSlow, slowAfterMs = SLOW_AFTER_MS }: LanesOptions): Lanes {
  const lanes = new Map<string, Lane>();
  /** Those with somebody waiting. */
  const crowded = new Set<string>();
  let freshTotal = 0;
  let slowTotal = 0;

  const laneOf = (id: string): Lane => {
    const lane = lanes.get(id) ?? { fresh: 0, slow: 0, lateCount: 0, waiting: [] };
    lanes.set(id, lane);
    return lane;
  };
  const hasSlowRoom = ({ slow }: Lane) => slow < Math.max(1, (slots * SLOW_PER_SLOT - slowTotal) / 2);
  const hasFreshRoom = ({ fresh, lateCount }: Lane) => lateCount > 0 || fresh < Math.max(1, (slots - freshTotal) / 2);

  function countSlow(lane: Lane, change: 1 | -1): void {
    lane.slow += change;
    slowTotal += change;
    onSlow?.(slowTotal);
  }
  function countFresh(lane: Lane, change: 1 | -1): void {
    lane.fresh += change;
    freshTotal += change;
  }

  function push(id: string): Pass {
    const lane = laneOf(id);
    let isSlow = lane.lateCount > 0;
    let isLate = false;
    (isSlow ? countSlow : countFresh)(lane, 1);
    const timer = setTimeout(() => {
      isLate = true;
      lane.lateCount += 1;
      if (isSlow) return;
      isSlow = true;
      countFresh(lane, -1);
      countSlow(lane, 1);
      admit();
    }, slowAfterMs);
    return {
      leave() {
        clearTimeout(timer);
        if (isLate) lane.lateCount -= 1;
        (isSlow ? countSlow : countFresh)(lane, -1);
        admit();
        if (lane.fresh + lane.slow === 0 && lane.waiting.length === 0) lanes.delete(id);
      },
    };
  }

  /** Room was made somewhere: who waits goes on, a lane after the other. */
  function admit(): void {
    for (const id of crowded) {
      const lane = laneOf(id);
      while (lane.waiting.length > 0 && hasFreshRoom(lane) && hasSlowRoom(lane)) lane.waiting.shift()?.(push(id));
      if (lane.waiting.length === 0) crowded.delete(id);
    }
  }

  function wait(id: string, lane: Lane): Promise<Pass | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        lane.waiting.splice(lane.waiting.indexOf(enter), 1);
        if (lane.waiting.length === 0) crowded.delete(id);
        resolve(null);
      }, slowAfterMs);
      const enter = (pass: Pass) => {
        clearTimeout(timer);
        resolve(pass);
      };
      lane.waiting.push(enter);
      crowded.add(id);
    });
  }

  return {
    push,
    enter(id) {
      const lane = laneOf(id);
      if (!hasSlowRoom(lane)) return Promise.resolve(null);
      // Fresh ones end soon, or become slow: those before us first.
      return lane.waiting.length > 0 || !hasFreshRoom(lane) ? wait(id, lane) : Promise.resolve(push(id));
    },
    underWay(id) {
      const lane = lanes.get(id);
      return lane ? lane.fresh + lane.slow : 0;
    },
    bearable(id) {
      const lane = lanes.get(id);
      if (!lane || lane.lateCount === 0) return slots;
      const underWay = lane.fresh + lane.slow;
      return Math.max(underWay, Math.min(slots, (underWay - lane.lateCount) * 2));
    },
  };
}
