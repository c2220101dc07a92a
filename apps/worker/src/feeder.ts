import { setTimeout as pause } from 'node:timers/promises';
import { type Deps, type Log, dropOldKeys, feed, isDatabaseAway, reclaim } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';

const EVERY_MS = 1_000;
const MANY = 500; // jobs in one round: there is likely more, so the next round follows at once
const DROP_EVERY_MS = 10 * 60 * 1_000;

export interface Feeder {
  /** Ends after the round that is running. */
  stop(): Promise<void>;
}

export interface FeederOptions extends Pick<Deps, 'db' | 'enqueue'>, Pick<Producer, 'hasForgotten'> {
  log: Log;
  observe: (round: { result: 'ok' | 'error'; enqueued: number }) => void;
}

/** Runs the feeder until it is stopped. Faults are logged once, when they begin and when they end; it goes on through them. */
export function startFeeder({ db, enqueue, hasForgotten, log, observe }: FeederOptions): Feeder {
  const stopping = new AbortController();
  let isFailing = false;
  let dropAt = Date.now() + DROP_EVERY_MS;

  async function round(): Promise<number> {
    try {
      if (await hasForgotten()) {
        const reclaimed = await reclaim(db.pool);
        if (reclaimed > 0) log.warn({ reclaimed }, 'queue.forgot');
      }
      const enqueued = await feed({ db, enqueue });
      if (Date.now() >= dropAt) {
        dropAt = Date.now() + DROP_EVERY_MS;
        await dropOldKeys(db.pool);
      }
      if (isFailing) log.info({}, 'feeder.recovered');
      isFailing = false;
      observe({ result: 'ok', enqueued });
      return enqueued;
    } catch (error) {
      // The attempts say that the database is away; the feeder need not say it again.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'feeder.failed');
      isFailing = true;
      observe({ result: 'error', enqueued: 0 });
      return 0;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const enqueued = await round();
      if (enqueued < MANY) await pause(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
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
