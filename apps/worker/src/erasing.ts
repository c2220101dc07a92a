import { setTimeout as pause } from 'node:timers/promises';
import { type Database, type ErasedPart, type Log, countErasing, eraseStep } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const EVERY_MS = 5_000;
/** Another transaction locks a row that must be erased. */
const BUSY_MS = 500;
/** A pause follows each step and lasts as long, so erasing uses at most half of one connection's time. */
const LONGEST_PAUSE_MS = 2_000;

export interface RunningErasingOptions {
  db: Database;
  log: Log;
  observe: (erased: { part: ErasedPart; count: number }) => void;
  /** Called each round with how many accounts are being erased. */
  observeErasing: (count: number) => void;
  /** How often to look for accounts to erase, in milliseconds. Default: 5,000. */
  everyMs?: number;
}

/** Erases deleted accounts until it is stopped; a stop waits for the current step. Any number of processes may run it, since the
 *  ledger records the progress. Logs each account when it is erased. */
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
