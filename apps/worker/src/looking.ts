import { type Database, type DueWork, findDueWork, type Log } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const EVERY_MS = 1_000;

export interface LookingOptions {
  db: Pick<Database, 'pool'>;
  log: Log;
  /** The loop that does each kind of work. */
  loops: Record<DueWork, Pick<Loop, 'wake'>>;
}

/** Checks every second which work is due, and wakes the loops that do it, until it is stopped. One statement checks for all: otherwise
 *  each loop would ask Postgres every second. */
export const startLooking = ({ db, log, loops }: LookingOptions): Loop =>
  startLoop({
    name: 'due_work',
    log,
    restMs: EVERY_MS,
    async round() {
      for (const kind of await findDueWork(db.pool)) loops[kind].wake();
    },
  });
