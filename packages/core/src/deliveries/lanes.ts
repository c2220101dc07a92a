import { setTimeout as pause } from 'node:timers/promises';

/** What one process lets each subscription have under way, so that none takes all of its slots, however slow it is.
 *
 *  Of one that it does not know yet it makes one attempt, and the next when that has ended or is found slow: a hundred new ones that
 *  hang are a hundred attempts to begin with, and not as many as come in a quarter of a second.
 *
 *  An attempt is fresh at first, and slow once it has taken SLOW_AFTER_MS; or from the start, if one of its subscription takes
 *  so long right now, or if the last one that ended did. Fresh ones share the slots; slow ones only wait for somebody else, so they
 *  get as many slots of their own beside these. Of each kind a subscription may have half as many as are still free: one alone gets a
 *  third of all, ten get five sixths together, a hundred still leave room for the next (dynamic thresholds: Choudhury and
 *  Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998). One it may always have. */
export interface Lanes {
  /** Resolves with a pass for one attempt; with null as soon as its subscription is slow and has its share under way. If the last one
   *  was slow it takes up to a tenth of that longer: those whose deadlines ended together do not begin together again. Hand the pass
   *  back with `leave`. */
  enter(subscriptionId: string): Promise<Pass | null>;
  /** The same without asking, for what a person waits for. */
  push(subscriptionId: string): Pass;
  /** How many attempts of a subscription are under way. */
  underWay(subscriptionId: string): number;
  /** How many it can have for now: what it has, if it is slow; null: as many as ever, for there is room again within moments. */
  bearable(subscriptionId: string): number | null;
}

export interface Pass {
  leave(): void;
}

export interface LanesOptions {
  /** Fresh attempts at once; more only if so many subscriptions have one each. */
  slots: number;
  /** Called when it has changed how many are here beside the slots: slow, waiting, or fresh and one too many. With as many more
   *  jobs the next one finds a place, whoever these belong to. */
  onBeside?: (count: number) => void;
  slowAfterMs?: number;
  random?: () => number;
}

const SLOW_AFTER_MS = 250;
/** A timer that comes so late tells of a busy process of ours, and not of a slow receiver, whose answer may lie here unread. */
const BUSY_MS = 20;
/** Of what the last attempt took, if it was slow, how much the next one waits at most. */
const SPREAD = 0.1;
/** Of how many subscriptions the last attempt is remembered. */
const REMEMBERED = 10_000;

interface Lane {
  fresh: number;
  slow: number;
  /** Of these, how many have taken SLOW_AFTER_MS. */
  lateCount: number;
  waiting: ((pass: Pass | null) => void)[];
}

export function openLanes(options: LanesOptions): Lanes {
  const { slots, onBeside, slowAfterMs = SLOW_AFTER_MS, random = Math.random } = options;
  const lanes = new Map<string, Lane>();
  /** Those with somebody waiting. */
  const crowded = new Set<string>();
  /** Of those that are known, how long the last attempt took if it was slow; 0 if it was not. */
  const lastSlowMs = new Map<string, number>();
  let freshTotal = 0;
  let slowTotal = 0;
  let waitingTotal = 0;
  let beside = 0;

  const laneOf = (id: string): Lane => {
    const lane = lanes.get(id) ?? { fresh: 0, slow: 0, lateCount: 0, waiting: [] };
    lanes.set(id, lane);
    return lane;
  };
  const isSlowNow = (id: string, { lateCount }: Lane) => lateCount > 0 || (lastSlowMs.get(id) ?? 0) > 0;
  const hasSlowRoom = ({ slow }: Lane) => slow < Math.max(1, (slots - slowTotal) / 2);
  const hasFreshRoom = ({ fresh }: Lane) => fresh < Math.max(1, (slots - freshTotal) / 2);
  const tell = () => {
    const now = slowTotal + Math.min(slots, waitingTotal) + Math.min(slots, Math.max(0, freshTotal - slots));
    if (now !== beside) onBeside?.(now);
    beside = now;
  };

  function count(lane: Lane, kind: 'fresh' | 'slow', change: 1 | -1): void {
    lane[kind] += change;
    if (kind === 'fresh') freshTotal += change;
    else slowTotal += change;
    tell();
  }

  function remember(id: string, slowMs: number): void {
    lastSlowMs.delete(id);
    lastSlowMs.set(id, slowMs);
    const [oldest] = lastSlowMs.keys();
    if (lastSlowMs.size > REMEMBERED && oldest !== undefined) lastSlowMs.delete(oldest);
  }

  /** For an attempt that begins in `inMs`. */
  function push(id: string, inMs = 0): Pass {
    const lane = laneOf(id);
    let kind: 'fresh' | 'slow' = isSlowNow(id, lane) ? 'slow' : 'fresh';
    let isLate = false;
    count(lane, kind, 1);
    const from = performance.now() + inMs;
    let timer = setTimeout(() => {
      const lagMs = performance.now() - from - slowAfterMs;
      // Once only: where we are always behind, who hangs must be found out all the same.
      if (lagMs > BUSY_MS) timer = setTimeout(becomeLate, lagMs);
      else becomeLate();
    }, inMs + slowAfterMs);
    function becomeLate(): void {
      isLate = true;
      lane.lateCount += 1;
      if (kind === 'fresh') {
        count(lane, 'fresh', -1);
        kind = 'slow';
        count(lane, 'slow', 1);
        admit();
      }
      turnAway(id, lane);
    }
    return {
      leave() {
        clearTimeout(timer);
        if (isLate) lane.lateCount -= 1;
        remember(id, isLate ? performance.now() - from : 0);
        count(lane, kind, -1);
        admit();
        if (lane.fresh + lane.slow === 0 && lane.waiting.length === 0) lanes.delete(id);
      },
    };
  }

  /** Room was made somewhere: who waits goes on, a lane after the other. */
  function admit(): void {
    for (const id of crowded) {
      const lane = laneOf(id);
      while (lane.waiting.length > 0 && hasRoom(id, lane)) lane.waiting[0]?.(push(id));
    }
  }

  function hasRoom(id: string, lane: Lane): boolean {
    if (isSlowNow(id, lane)) return hasSlowRoom(lane);
    return lastSlowMs.has(id) ? hasSlowRoom(lane) && hasFreshRoom(lane) : lane.fresh + lane.slow === 0;
  }

  /** Those before them end soon, unless they are slow: who is turned away comes again behind all that is owed for longer. */
  function turnAway(id: string, lane: Lane): void {
    if (isSlowNow(id, lane)) for (const end of lane.waiting.slice()) end(null);
  }

  async function pushSpread(id: string): Promise<Pass> {
    const inMs = (lastSlowMs.get(id) ?? 0) * SPREAD * random();
    const pass = push(id, inMs);
    if (inMs > 0) await pause(inMs);
    return pass;
  }

  function wait(id: string, lane: Lane): Promise<Pass | null> {
    return new Promise((resolve) => {
      const end = (pass: Pass | null) => {
        lane.waiting.splice(lane.waiting.indexOf(end), 1);
        if (lane.waiting.length === 0) crowded.delete(id);
        waitingTotal -= 1;
        tell();
        resolve(pass);
      };
      lane.waiting.push(end);
      crowded.add(id);
      waitingTotal += 1;
      tell();
    });
  }

  return {
    push: (id) => push(id),
    enter(id) {
      const lane = laneOf(id);
      if (lane.waiting.length === 0 && hasRoom(id, lane)) return pushSpread(id);
      return isSlowNow(id, lane) ? Promise.resolve(null) : wait(id, lane);
    },
    underWay(id) {
      const lane = lanes.get(id);
      return lane ? lane.fresh + lane.slow : 0;
    },
    bearable(id) {
      const lane = lanes.get(id);
      if (!lane || !isSlowNow(id, lane)) return null;
      const underWay = lane.fresh + lane.slow;
      return Math.max(underWay, Math.min(slots, (underWay - lane.lateCount) * 2));
    },
  };
}
