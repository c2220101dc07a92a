import { setTimeout as pause } from 'node:timers/promises';
import {
  advanceReplays,
  type Deps,
  type Log,
  dropOldKeys,
  dispatch,
  dispatchRest,
  isDatabaseAway,
  listenForWork,
  publishOperationalEvents,
  reclaim,
} from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';

/** Between two looks: while nothing is due · while something is due that had no room, or within a second, and however often it is
 *  called · after a round that found much. */
const IDLE_MS = 1_000;
const BUSY_MS = 100;
const MUCH_MS = 20;
const MUCH = 100;
/** What need not be looked at in every round. */
const REST_EVERY_MS = 1_000;
/** Replayed by one step. */
const REPLAYED_AT_ONCE = 500;
const DROP_EVERY_MS = 10 * 60 * 1_000;

export interface Dispatcher {
  /** Ends after the round that is running. */
  stop(): Promise<void>;
}

export interface DispatcherOptions extends Pick<Deps, 'db' | 'enqueue'>, Pick<Producer, 'hasForgotten'> {
  log: Log;
  /** Whose subscriptions are told of failures and disablings. */
  operationsAccount: string;
  observe: (round: { result: 'ok' | 'error'; enqueued: number }) => void;
  /** A publish has stored a fan-out. One connection listens for this, too. */
  onFanOut: () => void;
  observeReplay: (replayed: { which: 'failed' | 'missed'; count: number }) => void;
}

/** Runs the dispatcher until it is stopped. Faults are logged once, when they begin and when they end; it goes on through them. */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { db, enqueue, hasForgotten, log, operationsAccount, observe, onFanOut, observeReplay } = options;
  const stopping = new AbortController();
  let isFailing = false;
  let restAt = 0;
  let dropAt = Date.now() + DROP_EVERY_MS;

  // A call that comes in the middle of a round is for the next one.
  let wake: (() => void) | undefined;
  let isWanted = false;
  let listening: Awaited<ReturnType<typeof listenForWork>> | undefined;
  const onWake = () => {
    isWanted = true;
    wake?.();
  };

  /** One round; returns how long to rest after it. */
  async function round(): Promise<number> {
    isWanted = false;
    try {
      // Without it the dispatcher looks by itself: no reason to look at nothing.
      if (!listening || listening.isLost) {
        listening = await listenForWork(db, (woken) => (woken === 'dispatch' ? onWake() : onFanOut())).catch(
          () => undefined,
        );
      }
      let isRestDue = false;
      if (Date.now() >= restAt) {
        restAt = Date.now() + REST_EVERY_MS;
        if (await hasForgotten()) {
          const reclaimed = await reclaim(db.pool);
          if (reclaimed > 0) log.warn({ reclaimed }, 'queue.forgot');
        }
        isRestDue = true;
      }
      // First what is due: no fault of the rest may hold it up.
      const dispatched = await dispatch({ db, enqueue });
      let { enqueued } = dispatched;
      if (isRestDue) {
        enqueued += await dispatchRest({ db, enqueue });
        await publishOperationalEvents({ db, enqueue }, { operationsAccount });
        await advanceReplays(db, { atOnce: REPLAYED_AT_ONCE, observe: observeReplay });
      }
      if (Date.now() >= dropAt) {
        dropAt = Date.now() + DROP_EVERY_MS;
        await dropOldKeys(db.pool);
      }
      if (isFailing) log.info({}, 'dispatcher.recovered');
      isFailing = false;
      observe({ result: 'ok', enqueued });
      return enqueued >= MUCH ? MUCH_MS : dispatched.isMoreDue ? BUSY_MS : IDLE_MS;
    } catch (error) {
      // The attempts say that the database is away; the dispatcher need not say it again.
      if (!isFailing && !isDatabaseAway(error)) log.error({ err: error }, 'dispatcher.failed');
      isFailing = true;
      observe({ result: 'error', enqueued: 0 });
      return IDLE_MS;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const restMs = await round();
      const restsUntil = performance.now() + Math.min(restMs, BUSY_MS);
      await rest(restMs);
      await pause(restsUntil - performance.now(), undefined, { signal: stopping.signal }).catch(() => {});
    }
    listening?.close();
  }

  /** Until it is called. */
  async function rest(ms: number): Promise<void> {
    if (isWanted || stopping.signal.aborted) return;
    const woken = new AbortController();
    wake = () => woken.abort();
    await pause(ms, undefined, { signal: woken.signal }).catch(() => {});
    wake = undefined;
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      wake?.();
      await running;
    },
  };
}
