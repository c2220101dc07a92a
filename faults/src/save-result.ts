import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './run-scenario.js';

const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));

/** Complete long runs have one of these names, which git keeps. */
export const QUEUES = ['redis', 'redis-cluster', 'redis-sentinel', 'postgres'] as const;
export type Queue = (typeof QUEUES)[number];

/** The result of a fault, as the suite prints it. `null` as a time: never. */
interface FaultResult extends Pick<
  Outcome,
  'accepted' | 'delivered' | 'lost' | 'duplicates' | 'inFlight' | 'stuck' | 'repeated' | 'busy'
> {
  fault: string;
  promptMs: number;
  normalAfterMs: number | null;
  caughtUpAfterMs: number | null;
}

/** A run of the suite on one queue. */
export interface FaultRun {
  at: string;
  commit: string | null;
  machine: { cores: number; cpu: string; memoryGb: number; node: string };
  queue: Queue;
  form: 'long' | 'short' | 'chosen';
  /** Events per second. */
  rate: number;
  seed: number;
  faults: FaultResult[];
  /** Faults that broke a rule, or whose run failed, with the reason. */
  failed: { fault: string; reason: string }[];
  /** Faults that this machine cannot inject, with the reason. */
  notRun: { fault: string; reason: string }[];
}

export function describeRun(chosen: Pick<FaultRun, 'queue' | 'form' | 'rate' | 'seed'>): FaultRun {
  return {
    at: new Date().toISOString(),
    commit: readCommit(),
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model ?? '',
      memoryGb: Math.round(totalmem() / 1024 ** 3),
      node: process.version,
    },
    ...chosen,
    faults: [],
    failed: [],
    notRun: [],
  };
}

export function resultOf(fault: string, outcome: Outcome): FaultResult {
  const { accepted, delivered, lost, duplicates, inFlight, stuck, repeated, busy, promptMs } = outcome;
  const msOrNull = (ms: number) => (Number.isFinite(ms) ? Math.round(ms) : null);
  return {
    fault,
    accepted,
    delivered,
    lost,
    duplicates,
    inFlight,
    stuck,
    repeated,
    busy: Number(busy.toFixed(2)),
    promptMs: Math.round(promptMs),
    normalAfterMs: msOrNull(outcome.normalAfterMs),
    caughtUpAfterMs: msOrNull(outcome.caughtUpAfterMs),
  };
}

/** Writes a run to faults/results/. A complete long run replaces the last one of its queue, which git keeps, whether its faults passed or
 *  failed. Other runs get their own name, which git ignores. Returns the path. */
export function saveResult(run: FaultRun, folder = FOLDER): string {
  const time = run.at.replace(/\.\d+Z$/, '').replaceAll(/[-:]/g, '');
  const name = isComplete(run) ? run.queue : `${time}-${run.queue}-${run.form}`;
  mkdirSync(folder, { recursive: true });
  const path = `${folder}${name}.json`;
  writeFileSync(path, `${JSON.stringify(run, null, 1)}\n`);
  return path;
}

const isComplete = ({ form, notRun }: FaultRun): boolean => form === 'long' && notRun.length === 0;

function readCommit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: dirname(FOLDER), encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return null; // git is not available
  }
}
