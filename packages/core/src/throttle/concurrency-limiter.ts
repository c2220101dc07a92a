import { setTimeout as pause } from 'node:timers/promises';

/** Bounds the attempts that one process has in flight for each subscription, so that a slow endpoint cannot occupy all slots.
 *
 *  attempt  entered when                                                   left when
 *  fresh    it acquires a slot, and its subscription is not slow           it releases the slot; after SLOW_AFTER_MS → slow
 *  slow     it has run for SLOW_AFTER_MS; or from the start, if its        it releases the slot
 *           subscription is slow
 *
 *  A subscription is slow while one of its attempts has run for SLOW_AFTER_MS, or if the last one that ended did.
 *
 *  request  when                                                           ends when
 *  granted  the subscription has room                                      at once; after a slow attempt up to 10 % of its
 *                                                                          duration later, so that attempts that ended together
 *                                                                          do not start together again
 *  waiting  it has no room, and is not slow                                one of its attempts ends → granted; it becomes slow →
 *                                                                          granted or refused
 *  refused  it has no room, and is slow                                    at once: the caller defers the delivery
 *
 *  Fresh attempts share `slots`. Slow attempts only wait for an endpoint, so they have the same number of slots of their own.
 *  A subscription may use half as many slots of a kind as are free, and always one. One subscription alone thus gets a third of all
 *  slots, ten get five sixths together, and a hundred still leave room for the next (dynamic thresholds: Choudhury and Hahne,
 *  "Dynamic queue length thresholds for shared-memory packet switches", 1998).
 *  A subscription that is new to this process gets one slot until that attempt ends or is slow. A hundred new hanging endpoints thus
 *  hold a hundred attempts, not all that arrive within SLOW_AFTER_MS. */
export interface ConcurrencyLimiter {
  /** Returns a slot for one attempt, or null if the request is refused. Release the slot when the attempt has ended. */
  acquire(subscriptionId: string): Promise<Slot | null>;
  /** Returns a slot regardless of the bounds, for attempts that a person waits for. */
  acquireNow(subscriptionId: string): Slot;
  /** How many attempts of a subscription are in flight. */
  inFlight(subscriptionId: string): number;
  /** How many attempts of a slow subscription this process can have in flight: the current number, or twice those
   *  that are not late.
   *  null: the subscription is not slow, so it has room again within moments. */
  capacityOf(subscriptionId: string): number | null;
}

export interface Slot {
  release(): void;
}

export interface ConcurrencyLimiterOptions {
  /** Maximum number of fresh attempts. More run only if more subscriptions have one each. */
  slots: number;
  /** Called when the number of attempts and requests beyond `slots` (slow, waiting, or surplus fresh ones) changes.
   *  If the process runs that many additional jobs, the next job finds a free slot, whichever subscription it
   *  belongs to. */
  onExtra?: (count: number) => void;
  /** Default: 250 ms. */
  slowAfterMs?: number;
  random?: () => number;
}

const SLOW_AFTER_MS = 250;
/** A timer this late means that our own process is busy and may not have read the response yet. */
const BUSY_MS = 20;
/** The next attempt waits for up to this share of a slow attempt's duration. */
const SPREAD = 0.1;
/** Subscriptions whose last duration is remembered. */
const REMEMBERED = 10_000;

type Kind = 'fresh' | 'slow';

interface Load {
  fresh: number;
  slow: number;
  /** Attempts that have run for SLOW_AFTER_MS. The other slow ones were slow from the start. */
  lateCount: number;
  waiting: ((slot: Slot | null) => void)[];
}

export const openConcurrencyLimiter = (options: ConcurrencyLimiterOptions): ConcurrencyLimiter => new Limiter(options);

class Limiter implements ConcurrencyLimiter {
  readonly #options: Required<ConcurrencyLimiterOptions>;
  /** By subscription with attempts or requests. */
  readonly #loads = new Map<string, Load>();
  /** Subscriptions with waiting requests. */
  readonly #crowded = new Set<string>();
  /** By known subscription: the duration of the last attempt if it was slow, else 0. Ordered by when that attempt
   *  ended. */
  readonly #lastSlowMs = new Map<string, number>();
  readonly #total = { fresh: 0, slow: 0, waiting: 0 };
  #extra = 0;

  constructor(options: ConcurrencyLimiterOptions) {
    this.#options = { onExtra: () => {}, slowAfterMs: SLOW_AFTER_MS, random: Math.random, ...options };
  }

  acquire(id: string): Promise<Slot | null> {
    const load = this.#loadOf(id);
    if (load.waiting.length === 0 && this.#hasRoom(id, load)) return this.#grantSpread(id);
    return this.#isSlow(id, load) ? Promise.resolve(null) : this.#wait(id, load);
  }

  acquireNow(id: string): Slot {
    return this.#grant(id);
  }

  inFlight(id: string): number {
    const load = this.#loads.get(id);
    return load ? load.fresh + load.slow : 0;
  }

  capacityOf(id: string): number | null {
    const load = this.#loads.get(id);
    if (!load || !this.#isSlow(id, load)) return null;
    const inFlight = load.fresh + load.slow;
    return Math.max(inFlight, Math.min(this.#options.slots, (inFlight - load.lateCount) * 2));
  }

  #loadOf(id: string): Load {
    const load = this.#loads.get(id) ?? { fresh: 0, slow: 0, lateCount: 0, waiting: [] };
    this.#loads.set(id, load);
    return load;
  }

  #isSlow(id: string, { lateCount }: Load): boolean {
    return lateCount > 0 || (this.#lastSlowMs.get(id) ?? 0) > 0;
  }

  #hasRoom(id: string, load: Load): boolean {
    if (this.#isSlow(id, load)) return this.#hasRoomFor('slow', load);
    if (this.#lastSlowMs.has(id)) return this.#hasRoomFor('slow', load) && this.#hasRoomFor('fresh', load);
    return load.fresh + load.slow === 0;
  }

  #hasRoomFor(kind: Kind, load: Load): boolean {
    return load[kind] < Math.max(1, (this.#options.slots - this.#total[kind]) / 2);
  }

  async #grantSpread(id: string): Promise<Slot> {
    const inMs = (this.#lastSlowMs.get(id) ?? 0) * SPREAD * this.#options.random();
    const slot = this.#grant(id, inMs);
    if (inMs > 0) await pause(inMs);
    return slot;
  }

  /** For an attempt that starts in `inMs`. */
  #grant(id: string, inMs = 0): Slot {
    const load = this.#loadOf(id);
    let kind: Kind = this.#isSlow(id, load) ? 'slow' : 'fresh';
    let isLate = false;
    this.#count(load, kind, 1);
    const from = performance.now() + inMs;
    const becomeLate = (): void => {
      isLate = true;
      load.lateCount += 1;
      if (kind === 'fresh') {
        this.#count(load, 'fresh', -1);
        kind = 'slow';
        this.#count(load, 'slow', 1);
        this.#grantWaiting();
      }
      this.#refuseWaiting(id, load);
    };
    const { slowAfterMs } = this.#options;
    let timer = setTimeout(() => {
      const lagMs = performance.now() - from - slowAfterMs;
      // Re-check once. If our process is always late, a hanging endpoint must still be detected.
      if (lagMs > BUSY_MS) timer = setTimeout(becomeLate, lagMs);
      else becomeLate();
    }, inMs + slowAfterMs);
    return {
      release: () => {
        clearTimeout(timer);
        if (isLate) load.lateCount -= 1;
        this.#remember(id, isLate ? performance.now() - from : 0);
        this.#count(load, kind, -1);
        this.#grantWaiting();
        if (load.fresh + load.slow === 0 && load.waiting.length === 0) this.#loads.delete(id);
      },
    };
  }

  #wait(id: string, load: Load): Promise<Slot | null> {
    return new Promise((resolve) => {
      const end = (slot: Slot | null): void => {
        load.waiting.splice(load.waiting.indexOf(end), 1);
        if (load.waiting.length === 0) this.#crowded.delete(id);
        this.#total.waiting -= 1;
        this.#reportExtra();
        resolve(slot);
      };
      load.waiting.push(end);
      this.#crowded.add(id);
      this.#total.waiting += 1;
      this.#reportExtra();
    });
  }

  /** A slot is free: grants waiting requests, one subscription after the other. */
  #grantWaiting(): void {
    for (const id of this.#crowded) {
      const load = this.#loadOf(id);
      while (load.waiting.length > 0 && this.#hasRoom(id, load)) load.waiting[0]?.(this.#grant(id));
    }
  }

  /** If the subscription is slow, no slot becomes free soon. */
  #refuseWaiting(id: string, load: Load): void {
    if (this.#isSlow(id, load)) for (const end of load.waiting.slice()) end(null);
  }

  #remember(id: string, slowMs: number): void {
    this.#lastSlowMs.delete(id);
    this.#lastSlowMs.set(id, slowMs);
    const [oldest] = this.#lastSlowMs.keys();
    if (this.#lastSlowMs.size > REMEMBERED && oldest !== undefined) this.#lastSlowMs.delete(oldest);
  }

  #count(load: Load, kind: Kind, change: 1 | -1): void {
    load[kind] += change;
    this.#total[kind] += change;
    this.#reportExtra();
  }

  #reportExtra(): void {
    const { fresh, slow, waiting } = this.#total;
    const { slots, onExtra } = this.#options;
    const extra = slow + Math.min(slots, waiting) + Math.min(slots, Math.max(0, fresh - slots));
    if (extra !== this.#extra) onExtra(extra);
    this.#extra = extra;
  }
}
