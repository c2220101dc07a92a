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
  options: Options;
  scenarios: ScenarioResult[];
  failed: { scenario: string; error: string }[];
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
    return JSON.parse(readFileSync(`${FOLDER}full.json`, 'utf8')) as RunResult;
  } catch {
    return null; // no full run yet
  }
}

function readCommit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: FOLDER, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return null; // git is not available
  }
}
