import type { Backend, Rig, RigOptions } from './rig.js';

/** One fault. A scenario only breaks a part and starts it again, since recovery must need no manual step. */
export interface Scenario {
  name: string;
  backends: Backend[];
  /** The backends on which the short form, and so `npm test`, includes it. */
  short?: Backend[];
  needs?: Omit<RigOptions, 'redisKind'>;
  /** Needs a Redis of one server. */
  isForSingleRedis?: true;
  /** Breaks a part; resolves when the part is back, or at once if it is not needed. */
  run(rig: Rig, tools: Tools): Promise<void>;
}

export interface Tools {
  random: () => number;
  isLong: boolean;
  /** Breaks a part and records the time, since POSTs in flight at that time may be repeated. */
  injectFault<T>(act: () => T): T;
  /** Called by a fault after which the flow must be normal at once, although `run` continues. */
  isBack(): void;
  /** Resolves when events have arrived that were published after the call. */
  untilFlows(): Promise<void>;
  /** Why calls of the producer were repeated so far, with their number: a status, or the code of a network error. */
  reasons: Readonly<Record<string, number>>;
}

export const BOTH: Backend[] = ['redis', 'postgres'];
export const REDIS: Backend[] = ['redis'];
