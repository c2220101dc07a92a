import { setTimeout as pause } from 'node:timers/promises';
import { type Database, findUnsettled, isDatabaseAway, type Log, settleStep, type SettleVerb } from '@posthorn/core';

const IDLE_MS = 1_000;
/** A step is followed by a pause as long as it took, so settling takes at most half of one connection's time. */
const LONGEST_PAUSE_MS = 1_000;
const FIND_EVERY_MS = 10 * 60 * 1_000;

export interface Settling {
  /** Ends after the step that is under way. */
  stop(): Promise<void>;
}

export interface SettlingOptions {
  db: Pick<Database, 'pool'>;
  log: Log;
  /** After each step: so many deliveries were held, released or canceled. */
  observe: (step: { verb: SettleVerb; count: number }) => void;
}

/** Makes pending deliveries follow the state of their subscriptions, until it is stopped. Any number of processes may. Faults are logged
 *  once, when they begin and when they end; it goes on through them. */
export function startSettling({ db, log, observe }: SettlingOptions): Settling {
  const stopping = new AbortController();
  let isFailing = false;
  let findAt = Date.now();

  /** One step; returns how long to rest after it. */
  async function round(): Promise<number> {
    const startedAt = performance.now();
    try {
      if (Date.now() >= findAt) {
        findAt = Date.now() + FIND_EVERY_MS;
        const found = await findUnsettled(db.pool);
        if (found > 0) log.warn({ found }, 'settling.found');
      }
      const step = await settleStep(db.pool);
      if (step?.verb) observe({ verb: step.verb, count: step.count });
      if (isFailing) log.info({}, 'settling.recovered');
      isFailing = false;
      return step ? Math.min(performance.now() - startedAt, LONGEST_PAUSE_MS) : IDLE_MS;
    } catch (error) {
      // The attempts say that the database is away.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'settling.failed');
      isFailing = true;
      return IDLE_MS;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) await pause(await round(), undefined, { signal: stopping.signal }).catch(() => {});
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
