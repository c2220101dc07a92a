import { isDatabaseAway, isDeadlock, isTimeout } from './database-away.js';

/** Concurrent calls wait a moment and then share one run; each gets its own result. */
export interface Batch<Item, Result> {
  /** Resolves with this item's result. Rejects with the error of `run` for this item: an invalid item does not fail
   *  the others. */
  add(item: Item): Promise<Result>;
  /** Resolves when all items added so far have a result. */
  drain(): Promise<void>;
}

export interface BatchOptions<Item, Result> {
  /** Returns a result for each item, in order, from one statement or transaction: all or none. */
  run(items: Item[]): Promise<Result[]>;
  /** Maximum number of items per run. */
  maxSize: number;
  /** Maximum number of concurrent runs. Few runs make each run larger and each item cheaper. */
  maxRuns: number;
  /** Heavy items only share runs with each other and leave one run to the other items, which thus never wait for
   *  them. Default: no item is heavy. */
  isHeavy?: (item: Item) => boolean;
  /** The weight of an item and the maximum per run. A single heavier item runs alone. */
  weigh?: (item: Item) => number;
  maxWeight?: number;
  observe?: (size: number) => void;
}

interface Waiting<Item, Result> {
  item: Item;
  isHeavy: boolean;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

export function openBatch<Item, Result>(options: BatchOptions<Item, Result>): Batch<Item, Result> {
  const { maxRuns, isHeavy = () => false, observe } = options;
  const maxHeavyRuns = Math.max(1, maxRuns - 1);
  let light: Waiting<Item, Result>[] = [];
  let heavy: Waiting<Item, Result>[] = [];
  let scheduled = false;
  let running = 0;
  let heavyRunning = 0;
  const idle: (() => void)[] = [];

  const isIdle = () => running === 0 && light.length + heavy.length === 0;
  const mayBegin = () => running < maxRuns && (light.length > 0 || (heavy.length > 0 && heavyRunning < maxHeavyRuns));

  function schedule(): void {
    if (scheduled || !mayBegin()) return;
    scheduled = true;
    // Wait for this turn of the event loop to end, so that calls from one network packet share a statement.
    setImmediate(() => {
      scheduled = false;
      while (mayBegin()) void work(take());
    });
  }

  /** Heavy items first: their number of runs is limited, so the others always have a run. */
  function take(): Waiting<Item, Result>[] {
    const isHeavyRun = heavy.length > 0 && heavyRunning < maxHeavyRuns;
    const waiting = isHeavyRun ? heavy : light;
    const size = sizeOfRun(waiting, options);
    if (isHeavyRun) heavy = waiting.slice(size);
    else light = waiting.slice(size);
    return waiting.slice(0, size);
  }

  async function work(chosen: Waiting<Item, Result>[]): Promise<void> {
    const heavyRuns = chosen[0]?.isHeavy ? 1 : 0;
    running += 1;
    heavyRunning += heavyRuns;
    observe?.(chosen.length);
    await settle(options, chosen);
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

/** Returns how many waiting items fit into one run. */
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

/** Runs the items and settles the promise of each. */
async function settle<Item, Result>(
  options: Pick<BatchOptions<Item, Result>, 'run'>,
  chosen: Waiting<Item, Result>[],
): Promise<void> {
  const failure = await runTogether(options, chosen);
  if (!failure) return;
  // An unavailable or overloaded database fails all items. Any other error may be the fault of one item.
  if (chosen.length === 1 || isDatabaseAway(failure.error) || isTimeout(failure.error))
    rejectAll(chosen, failure.error);
  else await settleOneByOne(options, chosen);
}

async function settleOneByOne<Item, Result>(
  options: Pick<BatchOptions<Item, Result>, 'run'>,
  chosen: Waiting<Item, Result>[],
): Promise<void> {
  for (const [index, one] of chosen.entries()) {
    const failure = await runTogether(options, [one]);
    if (!failure) continue;
    const { error } = failure;
    // The remaining items would fail as well, each after a timeout of its own.
    if (isDatabaseAway(error) || isTimeout(error) || isDeadlock(error)) return rejectAll(chosen.slice(index), error);
    one.reject(error);
  }
}

/** Resolves the promises of the items. Returns the error if the run failed, otherwise null. */
async function runTogether<Item, Result>(
  { run }: Pick<BatchOptions<Item, Result>, 'run'>,
  chosen: Waiting<Item, Result>[],
): Promise<{ error: unknown } | null> {
  try {
    const results = await run(chosen.map(({ item }) => item));
    for (const [index, { resolve }] of chosen.entries()) resolve(results[index] as Result);
    return null;
  } catch (error) {
    return { error };
  }
}

function rejectAll(waiting: Pick<Waiting<never, never>, 'reject'>[], error: unknown): void {
  for (const { reject } of waiting) reject(error);
}
