import { setTimeout as pause } from 'node:timers/promises';
import { type Database, type ErasedPart, type Log, countErasing, eraseStep } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const EVERY_MS = 5_000;
/** Somebody holds a row that is to go. */
const BUSY_MS = 500;
/** A step is followed by a pause as long as it took, so erasing takes at most half of one connection's time. */
const LONGEST_PAUSE_MS = 2_000;

export interface RunningErasingOptions {
  db: Database;
  log: Log;
  observe: (erased: { part: ErasedPart; count: number }) => void;
  /** How many accounts are being erased; told each round. */
  observeErasing: (count: number) => void;
  /** How often it looks for accounts to erase, in milliseconds. Default: 5,000. */
  everyMs?: number;
}

/** Erases deleted accounts, from the start on until it is stopped, which ends it after a step. Any number of processes may: what is
 *  erased and how far it got is in the ledger. Logs each account at its end. */
export const startErasing = (options: RunningErasingOptions): Loop =>
  startLoop({
    name: 'erasing',
    log: options.log,
    restMs: options.everyMs ?? EVERY_MS,
    async round(signal) {
      const { db, observeErasing } = options;
      observeErasing(await countErasing(db.pool));
      await eraseAll(options, signal);
      observeErasing(await countErasing(db.pool));
    },
  });

async function eraseAll({ db, log, observe }: RunningErasingOptions, signal: AbortSignal): Promise<void> {
  const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const startedAt = performance.now();
    const step = await eraseStep(db.pool);
    if (step === null) return;
    if (step === 'busy') {
      await wait(BUSY_MS);
      continue;
    }
    const { accountId, part, count, rowCount, deletedAt, isErased } = step;
    observe({ part, count });
    if (isErased) {
      const seconds = Math.round((Date.now() - deletedAt.getTime()) / 1_000);
      log.info({ accountId, rowCount, seconds }, 'account.erased');
    }
    await wait(Math.min(performance.now() - startedAt, LONGEST_PAUSE_MS));
  }
}
