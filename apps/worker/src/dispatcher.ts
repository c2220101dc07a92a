import { type Deps, type Log, dispatch, listenForWork, reclaim } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
import { type Loop, startLoop } from './loop.js';

/** Pauses between rounds: while nothing is due · while due deliveries lack capacity, and at least, however often it is woken ·
 *  after a round that enqueued many deliveries. */
const IDLE_MS = 1_000;
const BUSY_MS = 100;
const BACKLOG_MS = 20;
const BACKLOG = 100;
/** How often to ask the queue whether it has lost its jobs. */
const ASK_EVERY_MS = 1_000;

export interface DispatcherOptions extends Pick<Deps, 'db' | 'enqueue'>, Pick<Producer, 'hasForgotten'> {
  log: Log;
  observe: (round: { result: 'ok' | 'error'; enqueued: number }) => void;
  /** Called when a publish has stored a fan-out; the same connection listens for this. */
  onFanOut: () => void;
}

/** Runs the dispatcher until it is stopped. Publishes wake it. */
export function startDispatcher(options: DispatcherOptions): Loop {
  const { db, log, observe, onFanOut } = options;
  let askAt = 0;
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
    if (Date.now() >= askAt) {
      askAt = Date.now() + ASK_EVERY_MS;
      await reclaimForgotten(options);
    }
    const { enqueued, isMoreDue } = await dispatch(options);
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

/** Makes leased deliveries due if the queue has lost their jobs. */
async function reclaimForgotten({ db, hasForgotten, log }: DispatcherOptions): Promise<void> {
  if (!(await hasForgotten())) return;
  const reclaimed = await reclaim(db.pool);
  if (reclaimed > 0) log.warn({ reclaimed }, 'queue.forgot');
}
