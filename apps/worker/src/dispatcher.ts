import { type Deps, type Log, dispatch, dispatchRest, listenForWork, reclaim } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
import { type Loop, startLoop } from './loop.js';

/** Pauses between rounds: while nothing is due · while due deliveries lack capacity, and at least, however often it is woken ·
 *  after a round that enqueued many deliveries. */
const IDLE_MS = 1_000;
const BUSY_MS = 100;
const BACKLOG_MS = 20;
const BACKLOG = 100;
/** How often to do the work that not every round needs. */
const OTHER_WORK_EVERY_MS = 1_000;

export interface DispatcherOptions extends Pick<Deps, 'db' | 'enqueue'>, Pick<Producer, 'hasForgotten'> {
  log: Log;
  observe: (round: { result: 'ok' | 'error'; enqueued: number }) => void;
  /** Called when a publish has stored a fan-out; the same connection listens for this. */
  onFanOut: () => void;
}

/** Runs the dispatcher until it is stopped. Publishes wake it. */
export function startDispatcher(options: DispatcherOptions): Loop {
  const { db, log, observe, onFanOut } = options;
  let otherWorkAt = 0;
  let listening: Awaited<ReturnType<typeof listenForWork>> | undefined;

  /** Without a connection to listen on, the dispatcher still polls. */
  async function listen(): Promise<void> {
    if (listening && !listening.isLost) return;
    listening = await listenForWork(db, (woken) => (woken === 'dispatch' ? loop.wake() : onFanOut())).catch(
      () => undefined,
    );
  }

  async function round(): Promise<number> {
    await listen();
    const isOtherWorkDue = Date.now() >= otherWorkAt;
    if (isOtherWorkDue) otherWorkAt = Date.now() + OTHER_WORK_EVERY_MS;
    const { enqueued, isMoreDue } = await dispatchAll(options, { isOtherWorkDue });
    observe({ result: 'ok', enqueued });
    return enqueued >= BACKLOG ? BACKLOG_MS : isMoreDue ? BUSY_MS : IDLE_MS;
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

/** Enqueues due deliveries before verifications, so that no fault of those delays them. */
async function dispatchAll(
  { db, enqueue, hasForgotten, log }: DispatcherOptions,
  { isOtherWorkDue }: { isOtherWorkDue: boolean },
): Promise<{ enqueued: number; isMoreDue: boolean }> {
  if (isOtherWorkDue && (await hasForgotten())) {
    const reclaimed = await reclaim(db.pool);
    if (reclaimed > 0) log.warn({ reclaimed }, 'queue.forgot');
  }
  const { enqueued, isMoreDue } = await dispatch({ db, enqueue });
  if (!isOtherWorkDue) return { enqueued, isMoreDue };
  const enqueuedLater = await dispatchRest({ db, enqueue });
  return { enqueued: enqueued + enqueuedLater, isMoreDue };
}
