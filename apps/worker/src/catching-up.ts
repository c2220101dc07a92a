import { catchUp, type Database, type Log } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

/** While a subscription catches up. */
const BUSY_MS = 100;

export interface CatchingUpOptions {
  db: Pick<Database, 'pool'>;
  log: Log;
  /** Called with how many deliveries became due early. */
  observe: (count: number) => void;
}

/** Makes the scheduled deliveries of recovered subscriptions due, until it is stopped. Any number of processes may run it. */
export const startCatchingUp = ({ db, log, observe }: CatchingUpOptions): Loop =>
  startLoop({
    name: 'catching_up',
    log,
    ...whenDue(),
    async round() {
      const { scanned, count } = await catchUp(db.pool);
      if (count > 0) observe(count);
      return scanned > 0 ? BUSY_MS : undefined;
    },
  });
