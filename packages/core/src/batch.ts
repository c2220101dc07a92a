import { isDatabaseAway } from './database-away.js';

/** Calls that come while others are at work wait a moment and then share one run; each gets its own answer. */
export interface Batch<Item, Answer> {
  /** Resolves with this item's answer. Throws what `run` threw for it: one bad item never fails its neighbours. */
  add(item: Item): Promise<Answer>;
  /** Resolves when everything added so far has its answer. */
  drain(): Promise<void>;
}

export interface BatchOptions<Item, Answer> {
  /** Answers the items in their order, in one statement or transaction, and so all or none. */
  run(items: Item[]): Promise<Answer[]>;
  /** Items in one run. */
  maxSize: number;
  /** Runs at the same time. Few: what waits meanwhile makes the next run larger and each item cheaper. */
  maxRuns: number;
  /** The weight of an item (bytes) and the most that one run may carry; a single heavier item runs alone. */
  weigh?: (item: Item) => number;
  maxWeight?: number;
  observe?: (size: number) => void;
}

interface Waiting<Item, Answer> {
  item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export function openBatch<Item, Answer>(options: BatchOptions<Item, Answer>): Batch<Item, Answer> {
  const { run, maxSize, maxRuns, weigh = () => 0, maxWeight = Number.POSITIVE_INFINITY, observe } = options;
  let waiting: Waiting<Item, Answer>[] = [];
  let scheduled = false;
  let running = 0;
  let idle: (() => void)[] = [];

  function schedule(): void {
    if (scheduled || waiting.length === 0 || running >= maxRuns) return;
    scheduled = true;
    // After this turn of the event loop, so that what arrived in one packet shares one statement.
    setImmediate(() => {
      scheduled = false;
      while (waiting.length > 0 && running < maxRuns) void work(take());
    });
  }

  function take(): Waiting<Item, Answer>[] {
    let weight = 0;
    let size = 0;
    for (const { item } of waiting) {
      weight += weigh(item);
      if (size === maxSize || (size > 0 && weight > maxWeight)) break;
      size += 1;
    }
    const taken = waiting.slice(0, size);
    waiting = waiting.slice(size);
    return taken;
  }

  async function work(taken: Waiting<Item, Answer>[]): Promise<void> {
    running += 1;
    observe?.(taken.length);
    try {
      await answer(taken);
    } finally {
      running -= 1;
      if (running === 0 && waiting.length === 0) {
        for (const resolve of idle) resolve();
        idle = [];
      }
      schedule();
    }
  }

  async function answer(taken: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await run(taken.map(({ item }) => item));
      for (const [index, { resolve }] of taken.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      // A database that is away is away for all. Anything else may be the fault of one item: each runs alone.
      if (taken.length === 1 || isDatabaseAway(error)) for (const { reject } of taken) reject(error);
      else for (const one of taken) await answer([one]);
    }
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      }),
    drain: () =>
      running === 0 && waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)),
  };
}
