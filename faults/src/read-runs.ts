import { existsSync, readFileSync } from 'node:fs';
import { type FaultRun, QUEUES } from './save-result.js';

/** The complete long runs that git keeps, in the order of QUEUES. */
export const readRuns = (): FaultRun[] =>
  QUEUES.map((queue) => new URL(`../results/${queue}.json`, import.meta.url))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as FaultRun);
