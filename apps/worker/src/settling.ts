import { type Database, findUnsettled, type Log, settleStep, type SettleVerb } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

/** A pause follows each step and lasts as long, so settling uses at most half of one connection's time. */
const LONGEST_PAUSE_MS = 1_000;
const FIND_EVERY_MS = 10 * 60 * 1_000;

export interface SettlingOptions {
  db: Pick<Database, 'pool'>;
  log: Log;
  /** Called after each step with how many deliveries were held, released or canceled. */
  observe: (step: { verb: SettleVerb; count: number }) => void;
}

/** Settles pending deliveries after changes of their subscriptions, until it is stopped. Any number of processes may run it. */
export function startSettling({ db, log, observe }: SettlingOptions): Loop {
  let findAt = Date.now();
  return startLoop({
    name: 'settling',
    log,
    ...whenDue(),
    async round() {
      const startedAt = performance.now();
      if (Date.now() >= findAt) {
        findAt = Date.now() + FIND_EVERY_MS;
        const found = await findUnsettled(db.pool);
        if (found > 0) log.warn({ found }, 'settling.found');
      }
      const step = await settleStep(db.pool);
      if (step?.verb) observe({ verb: step.verb, count: step.count });
      return step ? Math.min(performance.now() - startedAt, LONGEST_PAUSE_MS) : undefined;
    },
  });
}
