import { setTimeout as pause } from 'node:timers/promises';
import { type Database, type ErasedPart, type Log, countErasing, eraseStep, isDatabaseAway } from '@posthorn/core';

const EVERY_MS = 5_000;
/** Somebody holds a row that is to go. */
const BUSY_MS = 500;
/** A step is followed by a pause as long as it took, so erasing takes at most half of one connection's time. */
const LONGEST_PAUSE_MS = 2_000;

export interface RunningErasing {
  /** Ends after the step that is under way. */
  stop(): Promise<void>;
}

export interface RunningErasingOptions {
  db: Database;
  log: Log;
  observe: (erased: { part: ErasedPart; count: number }) => void;
  /** How many accounts are being erased; told each round. */
  observeErasing: (count: number) => void;
  /** How often it looks for accounts to erase, in milliseconds. Default: 5,000. */
  everyMs?: number;
}

/** Erases deleted accounts, from the start on until it is stopped. Any number of processes may: what is erased and how far it got is
 *  in the ledger. Logs each account at its end. Faults are logged once, when they begin and when they end. */
export function startErasing({
  db,
  log,
  observe,
  observeErasing,
  everyMs = EVERY_MS,
}: RunningErasingOptions): RunningErasing {
  const stopping = new AbortController();
  const { signal } = stopping;
  const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => {});
  let isFailing = false;

  async function eraseAll(): Promise<void> {
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

  async function round(): Promise<void> {
    try {
      observeErasing(await countErasing(db.pool));
      await eraseAll();
      observeErasing(await countErasing(db.pool));
      if (isFailing) log.info({}, 'erasing.recovered');
      isFailing = false;
    } catch (error) {
      // The attempts say that the database is away.
      if (isDatabaseAway(error)) return;
      if (!isFailing) log.error({ err: error }, 'erasing.failed');
      isFailing = true;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await round();
      await wait(everyMs);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
