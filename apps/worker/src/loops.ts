import { startCatchingUp } from './catching-up.js';
import { startDispatcher } from './dispatcher.js';
import type { WorkerEnv } from './env.js';
import { startEmailing } from './emailing.js';
import { startErasing } from './erasing.js';
import { startExpanding } from './expanding.js';
import { startFolding } from './folding.js';
import { startHeartbeat } from './heartbeat.js';
import type { Loop } from './loop.js';
import type { Parts } from './open-parts.js';
import { startNotifying } from './notifying.js';
import { startReplaying } from './replaying.js';
import { startRetention } from './retention.js';
import { startSettling } from './settling.js';
import { startTallying } from './tallying.js';

export interface Loops {
  /** Resolves when every running round has ended. */
  stop(): Promise<void>;
}

const HEARTBEAT_MS = 5_000;

/** Starts the loops of a worker. Any number of workers may run them. */
export function startLoops(
  env: WorkerEnv,
  { db, producer, metrics, log, version }: Parts,
  consumers: { areRunning(): boolean; lastJobAt(): number | null },
): Loops {
  const { enqueue, hasForgotten } = producer;
  let lastDispatchAt: number | null = null;
  const expanding = startExpanding({
    db,
    enqueue,
    log,
    observe: ({ count }) => metrics.deliveriesCreated.inc(count),
  });
  const dispatcher = startDispatcher({
    db,
    enqueue,
    hasForgotten,
    log,
    observe({ result, enqueued }) {
      metrics.rounds.inc({ result });
      metrics.dispatched.inc(enqueued);
      if (result !== 'ok') return;
      metrics.lastDispatch.setToCurrentTime();
      lastDispatchAt = performance.now();
    },
    onFanOut: expanding.wake,
  });
  const notifying = startNotifying({
    db,
    enqueue,
    log,
    operationsAccount: env.operationsAccount,
    sendsEmails: env.email !== null,
  });
  const heartbeat = startHeartbeat({
    db,
    version,
    everyMs: HEARTBEAT_MS,
    isConsuming: () => consumers.areRunning(),
    signs: () => ({ lastJobAt: consumers.lastJobAt(), lastDispatchAt }),
    log,
  });
  const loops = [heartbeat, dispatcher, expanding, notifying, ...startUpkeep(env, { db, metrics, log })];
  return { stop: async () => void (await Promise.all(loops.map((one) => one.stop()))) };
}

/** Starts the loops that do not deliver. */
function startUpkeep(env: WorkerEnv, { db, metrics, log }: Pick<Parts, 'db' | 'metrics' | 'log'>): Loop[] {
  const retention = startRetention({
    db,
    retentionDays: env.retentionDays,
    payloadRetentionDays: env.payloadRetentionDays,
    auditRetentionDays: env.auditRetentionDays,
    log,
    observe: ({ table, count }) => metrics.retentionDeleted.inc({ table }, count),
  });
  const erasing = startErasing({
    db,
    log,
    observe: ({ part, count }) => metrics.erasedRows.inc({ part }, count),
    observeErasing: (count) => metrics.erasingAccounts.set(count),
  });
  const settling = startSettling({
    db,
    log,
    observe: ({ verb, count }) => metrics.settled.inc({ action: verb }, count),
  });
  const catchingUp = startCatchingUp({ db, log, observe: (count) => metrics.caughtUp.inc(count) });
  const folding = startFolding({ db, log, observe: (count) => metrics.statsFolded.inc(count) });
  const replaying = startReplaying({ db, log, observe: ({ which, count }) => metrics.replayed.inc({ which }, count) });
  const tallying = startTallying({ db, log });
  const emailing = startEmailing(env.email, { db, log, observe: (result) => metrics.emails.inc({ result }) });
  return [retention, erasing, settling, catchingUp, folding, replaying, tallying, ...(emailing ? [emailing] : [])];
}
