import {
  advanceReplays,
  type Deps,
  type Log,
  dropOldKeys,
  dispatch,
  dispatchRest,
  listenForWork,
  publishOperationalEvents,
  reclaim,
} from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
import { type Loop, startLoop } from './loop.js';

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

export interface DispatcherOptions extends Pick<Deps, 'db' | 'enqueue'>, Pick<Producer, 'hasForgotten'> {
  log: Log;
  /** Whose subscriptions are told of failures and disablings. */
  operationsAccount: string;
  observe: (round: { result: 'ok' | 'error'; enqueued: number }) => void;
  /** A publish has stored a fan-out. One connection listens for this, too. */
  onFanOut: () => void;
  observeReplay: (replayed: { which: 'failed' | 'missed'; count: number }) => void;
}

/** Runs the dispatcher until it is stopped. Publishes wake it. */
export function startDispatcher(options: DispatcherOptions): Loop {
  const { db, log, observe, onFanOut } = options;
  let restAt = 0;
  let dropAt = Date.now() + DROP_EVERY_MS;
  let listening: Awaited<ReturnType<typeof listenForWork>> | undefined;

  /** While it cannot listen, the dispatcher looks regularly: no reason to look at nothing. */
  async function listen(): Promise<void> {
    if (listening && !listening.isLost) return;
    listening = await listenForWork(db, (woken) => (woken === 'dispatch' ? loop.wake() : onFanOut())).catch(
      () => undefined,
    );
  }

  async function round(): Promise<number> {
    await listen();
    const isRestDue = Date.now() >= restAt;
    if (isRestDue) restAt = Date.now() + REST_EVERY_MS;
    const { enqueued, isMoreDue } = await dispatchAll(options, { isRestDue });
    if (Date.now() >= dropAt) {
      dropAt = Date.now() + DROP_EVERY_MS;
      await dropOldKeys(db.pool);
    }
    observe({ result: 'ok', enqueued });
    return enqueued >= MUCH ? MUCH_MS : isMoreDue ? BUSY_MS : IDLE_MS;
  }

  const loop = startLoop({
    name: 'dispatcher',
    log,
    restMs: IDLE_MS,
    atLeastMs: (restMs) => Math.min(restMs, BUSY_MS),
    round: () =>
      round().catch((error: unknown) => {
        observe({ result: 'error', enqueued: 0 });
        throw error;
      }),
  });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      listening?.close();
    },
  };
}

/** First what is due: no fault of the rest may hold it up. */
async function dispatchAll(
  { db, enqueue, hasForgotten, log, operationsAccount, observeReplay }: DispatcherOptions,
  { isRestDue }: { isRestDue: boolean },
): Promise<{ enqueued: number; isMoreDue: boolean }> {
  if (isRestDue && (await hasForgotten())) {
    const reclaimed = await reclaim(db.pool);
    if (reclaimed > 0) log.warn({ reclaimed }, 'queue.forgot');
  }
  const { enqueued, isMoreDue } = await dispatch({ db, enqueue });
  if (!isRestDue) return { enqueued, isMoreDue };
  const enqueuedRest = await dispatchRest({ db, enqueue });
  await publishOperationalEvents({ db, enqueue }, { operationsAccount });
  await advanceReplays(db, { atOnce: REPLAYED_AT_ONCE, observe: observeReplay });
  return { enqueued: enqueued + enqueuedRest, isMoreDue };
}
