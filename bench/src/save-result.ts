import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { DEFAULT_REPETITIONS, type Options } from './options.js';
import type { ScenarioResult } from './run-scenario.js';

const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));

export interface RunResult {
  at: string;
  commit: string | null;
  machine: { cores: number; cpu: string; memoryGb: number; node: string };
  /** The system under test. */
  system: string;
  /** Later runs that measured scenarios which had failed (--continue). */
  continued?: { at: string; commit: string | null; scenarios: string[] }[];
  options: Options;
  scenarios: ScenarioResult[];
  failed: { scenario: string; error: string }[];
}

/** The run that `after` completes: with its scenarios, in the order of `names`, and its failures. Throws if they are of different machines. */
export function continueRun(before: RunResult, after: RunResult, names: string[]): RunResult {
  for (const part of ['cores', 'cpu', 'memoryGb', 'node'] as const)
    if (before.machine[part] !== after.machine[part])
      throw new Error(`This machine differs: ${part} is ${after.machine[part]}, and was ${before.machine[part]}.`);
  const measured = after.scenarios.map(({ scenario }) => scenario);
  return {
    ...before,
    continued: [...(before.continued ?? []), { at: after.at, commit: after.commit, scenarios: measured }],
    scenarios: [...before.scenarios, ...after.scenarios].toSorted(
      (a, b) => names.indexOf(a.scenario) - names.indexOf(b.scenario),
    ),
    failed: after.failed,
  };
}

export function describeRun(options: Options, system: string): Omit<RunResult, 'scenarios' | 'failed'> {
  return {
    at: new Date().toISOString(),
    commit: readCommit(),
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model ?? '',
      memoryGb: Math.round(totalmem() / 1024 ** 3),
      node: process.version,
    },
    system,
    options,
  };
}

/** Writes a run as JSON and its output as text to bench/results/. A run that `replacesFull` replaces `full.*`, which git keeps. Other runs
 *  get their own name, which git ignores. Returns the path without the extension. */
export function saveResult(result: RunResult, printed: string): string {
  const { options } = result;
  const time = result.at.replace(/\.\d+Z$/, '').replaceAll(/[-:]/g, '');
  const kind = [
    ...(options.scenarios.length === 0 ? ['all'] : options.scenarios),
    ...(options.isQuick ? ['quick'] : []),
  ];
  const path = `${FOLDER}${replacesFull(result, readFull()) ? 'full' : `${time}-${kind.join('-')}`}`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(`${path}.txt`, printed);
  return path;
}

/** Whether a run replaces the last full one: every scenario of Posthorn at its full size, on the default queue and number of workers, without
 *  failures. Its repetitions (its first line states them) are at least the default, or at least those of the run that it replaces. */
export function replacesFull(
  { options, system, failed }: Pick<RunResult, 'options' | 'system' | 'failed'>,
  last: Pick<RunResult, 'options'> | null,
): boolean {
  return (
    options.scenarios.length === 0 &&
    options.words === '' &&
    !options.isQuick &&
    options.backend === 'redis' &&
    options.workers === 1 &&
    system === 'Posthorn' &&
    failed.length === 0 &&
    options.repetitions >= Math.min(DEFAULT_REPETITIONS, last?.options.repetitions ?? 1)
  );
}

function readFull(): RunResult | null {
  try {
    return readRun(`${FOLDER}full.json`);
  } catch {
    return null; // no full run yet
  }
}

export const readRun = (path: string): RunResult => JSON.parse(readFileSync(path, 'utf8')) as RunResult;

function readCommit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: FOLDER, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return null; // git is not available
  }
}
