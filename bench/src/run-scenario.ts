import { openCeilings } from './open-ceilings.js';
import type { Dialect } from './dialect.js';
import { openMeter } from './meter.js';
import { openSink } from './open-sink.js';
import { isReached } from './goal.js';
import type { Options } from './options.js';
import type { Case, Metrics, Goal, Scenario, Tools } from './scenario.js';
import { startPosthorn } from './start-posthorn.js';
import { type Summary, summarize } from './statistics.js';

export interface ScenarioResult {
  scenario: string;
  seconds: number;
  /** By case and metric: every repetition. */
  repetitions: Record<string, Metrics[]>;
  /** By case and metric: the median and the spread. */
  found: Record<string, Record<string, Summary | null>>;
  goals: (Goal & { isReached: boolean | null })[];
}

/** Runs a scenario: warm-ups, then repetitions of the cases in turn. Closes everything that the scenario opened, also after a failure.
 *  Throws when a case fails or the scenario exceeds its time. */
export async function runScenario(
  scenario: Scenario,
  options: Options,
  {
    openDialect,
    progress,
  }: {
    /** null: Posthorn is the system under test. */
    openDialect: (() => Promise<Dialect>) | null;
    progress: (line: string) => void;
  },
): Promise<ScenarioResult> {
  const start = performance.now();
  const closers: (() => Promise<unknown> | void)[] = [];
  const signal = AbortSignal.timeout(scenario.maxMinutes * 60_000);
  try {
    progress(`${scenario.name}: starts`);
    const tools = await openTools(options, { signal, openDialect, closers, progress });
    const cases = (await scenario.prepare(tools)).filter(({ name }) => name.includes(options.words));
    for (const { name, warmUp } of cases) {
      if (!warmUp) continue;
      progress(`${scenario.name}: ${name}, warm-up`);
      await warmUp();
    }
    const repetitions = await repeat(cases, scenario.repetitions ?? options.repetitions, (line) => {
      signal.throwIfAborted();
      progress(`${scenario.name}: ${line}`);
    });
    const found = Object.fromEntries(Object.entries(repetitions).map(([name, all]) => [name, summarizeAll(all)]));
    const goals = scenario.goals?.((name, metric) => found[name]?.[metric]?.median ?? null) ?? [];
    return {
      scenario: scenario.name,
      seconds: Math.round((performance.now() - start) / 1_000),
      repetitions,
      found,
      goals: goals.map((goal) => ({ ...goal, isReached: isReached(goal) })),
    };
  } catch (error) {
    if (signal.aborted) throw new Error(`It took longer than ${scenario.maxMinutes} minutes.`, { cause: error });
    throw error;
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function openTools(
  { isQuick, backend, workers, historySize, showsStatements }: Options,
  {
    signal,
    openDialect,
    closers,
    progress,
  }: {
    signal: AbortSignal;
    openDialect: (() => Promise<Dialect>) | null;
    progress: (line: string) => void;
    closers: (() => Promise<unknown> | void)[];
  },
): Promise<Tools> {
  async function closing<T extends { close(): Promise<unknown> | void }>(opened: Promise<T>): Promise<T> {
    const one = await opened;
    closers.push(() => one.close());
    return one;
  }
  const sink = await closing(openSink());
  const tools: Tools = {
    isQuick,
    backend,
    historySize,
    signal,
    progress,
    sink,
    openSystem: () => (openDialect ? closing(openDialect()) : tools.startPosthorn()),
    startPosthorn: (changed) => closing(startPosthorn({ backend, workers, env: {}, workerEnv: {}, ...changed })),
    openMeter: (system) =>
      closing(openMeter(system, { sinkPid: sink.pid, ...(showsStatements && { onStatements: progress }) })),
    openCeilings: () => closing(openCeilings({ sink, signal })),
    closeLater: (close) => void closers.push(close),
  };
  return tools;
}

async function repeat(
  cases: Case[],
  times: number,
  progress: (line: string) => void,
): Promise<Record<string, Metrics[]>> {
  const all: Record<string, Metrics[]> = Object.fromEntries(cases.map(({ name }) => [name, []]));
  for (let round = 1; round <= times; round += 1) {
    // Every second round is reversed, because tables grow and caches warm with each case: otherwise the first case would be the cheapest.
    for (const { name, measure } of round % 2 === 1 ? cases : cases.toReversed()) {
      progress(`${name}, ${round} of ${times}`);
      all[name]?.push(await measure());
    }
  }
  return all;
}

function summarizeAll(all: Metrics[]): Record<string, Summary | null> {
  const names = new Set(all.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries([...names].map((name) => [name, summarize(all.map((metrics) => metrics[name] ?? null))]));
}
