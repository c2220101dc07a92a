import type { Backend, Rig, RigOptions } from './rig.js';

/** One fault. No scenario does more than break a part and start it again: whatever else it took to get going would be something
 *  that a person had to do. */
export interface Scenario {
  name: string;
  backends: Backend[];
  /** Part of the short form, which `npm test` runs, on these. */
  short?: Backend[];
  needs?: Omit<RigOptions, 'redisKind'>;
  /** Breaks what only a Redis of one server has. */
  isForSingleRedis?: true;
  /** Breaks something; resolves when the part is back, or at once if it will not be missed. */
  strike(rig: Rig, tools: Tools): Promise<void>;
}

export interface Tools {
  random: () => number;
  isLong: boolean;
  /** Breaks something, and notes the moment: the POSTs that are under way then may be repeated. */
  blow<T>(act: () => T): T;
  /** Said by a fault after which the flow must be normal at once, though `strike` goes on. */
  isBack(): void;
}

export const BOTH: Backend[] = ['redis', 'postgres'];
export const REDIS: Backend[] = ['redis'];
