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
  /** Heavy items share runs with their like alone, and leave one run to the others, which so never wait for them. Default: none is. */
  isHeavy?: (item: Item) => boolean;
  /** The weight of an item (bytes) and the most that one run may carry; a single heavier item runs alone. */
  weigh?: (item: Item) => number;
  maxWeight?: number;
  observe?: (size: number) => void;
}

interface Waiting<Item, Answer> {
  item: Item;
  isHeavy: boolean;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export function openBatch<Item, Answer>(options: BatchOptions<Item, Answer>): Batch<Item, Answer> {
  const { maxRuns, isHeavy = () => false, observe } = options;
  const maxHeavyRuns = Math.max(1, maxRuns - 1);
  let light: Waiting<Item, Answer>[] = [];
  let heavy: Waiting<Item, Answer>[] = [];
  let scheduled = false;
  let running = 0;
  let heavyRunning = 0;
  const idle: (() => void)[] = [];

  const isIdle = () => running === 0 && light.length + heavy.length === 0;
  const mayBegin = () => running < maxRuns && (light.length > 0 || (heavy.length > 0 && heavyRunning < maxHeavyRuns));

  function schedule(): void {
    if (scheduled || !mayBegin()) return;
    scheduled = true;
    // After this turn of the event loop, so that what arrived in one packet shares one statement.
    setImmediate(() => {
      scheduled = false;
      while (mayBegin()) void work(take());
    });
  }

  /** Heavy items first: they are bounded by their number of runs, so others have theirs. */
  function take(): Waiting<Item, Answer>[] {
    const isTakenHeavy = heavy.length > 0 && heavyRunning < maxHeavyRuns;
    const waiting = isTakenHeavy ? heavy : light;
    const size = sizeOfRun(waiting, options);
    if (isTakenHeavy) heavy = waiting.slice(size);
    else light = waiting.slice(size);
    return waiting.slice(0, size);
  }

  async function work(taken: Waiting<Item, Answer>[]): Promise<void> {
    const heavyRuns = taken[0]?.isHeavy ? 1 : 0;
    running += 1;
    heavyRunning += heavyRuns;
    observe?.(taken.length);
    await answer(options, taken);
    running -= 1;
    heavyRunning -= heavyRuns;
    if (isIdle()) for (const resolve of idle.splice(0)) resolve();
    schedule();
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        const waiting = { item, isHeavy: isHeavy(item), resolve, reject };
        (waiting.isHeavy ? heavy : light).push(waiting);
        schedule();
      }),
    drain: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
  };
}

/** How many of those that wait fit into one run, from the first on. */
function sizeOfRun<Item>(
  waiting: { item: Item }[],
  {
    maxSize,
    weigh = () => 0,
    maxWeight = Number.POSITIVE_INFINITY,
  }: Pick<BatchOptions<Item, unknown>, 'maxSize' | 'weigh' | 'maxWeight'>,
): number {
  let weight = 0;
  let size = 0;
  for (const { item } of waiting) {
    weight += weigh(item);
    if (size === maxSize || (size > 0 && weight > maxWeight)) break;
    size += 1;
  }
  return size;
}

/** Runs what was taken, and gives each its answer. */
async function answer<Item, Answer>(
  { run }: Pick<BatchOptions<Item, Answer>, 'run'>,
  taken: Waiting<Item, Answer>[],
): Promise<void> {
  try {
    const answers = await run(taken.map(({ item }) => item));
    for (const [index, { resolve }] of taken.entries()) resolve(answers[index] as Answer);
  } catch (error) {
    // A database that is away is away for all. Anything else may be the fault of one item: each runs alone.
    if (taken.length === 1 || isDatabaseAway(error)) for (const { reject } of taken) reject(error);
    else for (const one of taken) await answer({ run }, [one]);
  }
}
