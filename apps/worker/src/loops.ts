import type { Deps } from '@posthorn/core';
import { startCatchingUp } from './catching-up.js';
import { startDispatcher } from './dispatcher.js';
import type { WorkerEnv } from './env.js';
import { startEmailing } from './emailing.js';
import { startErasing } from './erasing.js';
import { startExpanding } from './expanding.js';
import { startFolding } from './folding.js';
import { startHeartbeat } from './heartbeat.js';
import { startLooking } from './looking.js';
import type { Parts } from './open-parts.js';
import { startNotifying } from './notifying.js';
import { startReplaying } from './replaying.js';
import { startRetention } from './retention.js';
import { startSettling } from './settling.js';
import { startTallying } from './tallying.js';
import { startVerificationDispatcher } from './verification-dispatcher.js';

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
  const heartbeat = startHeartbeat({
    db,
    version,
    everyMs: HEARTBEAT_MS,
    isConsuming: () => consumers.areRunning(),
    signs: () => ({ lastJobAt: consumers.lastJobAt(), lastDispatchAt }),
    log,
  });
  const verificationDispatcher = startVerificationDispatcher({
    db,
    enqueue,
    log,
    observe: ({ enqueued }) => metrics.dispatched.inc(enqueued),
  });
  const { notifying, settling, catchingUp, replaying, tallying, ...others } = startUpkeep(env, {
    db,
    enqueue,
    metrics,
    log,
  });
  const woken = {
    verifications: verificationDispatcher,
    fanOuts: expanding,
    operationalEvents: notifying,
    settlements: settling,
    catchUps: catchingUp,
    replays: replaying,
    replayCounts: tallying,
  };
  const looking = startLooking({ db, log, loops: woken });
  const loops = [looking, heartbeat, dispatcher, ...Object.values(woken), ...Object.values(others)];
  return { stop: async () => void (await Promise.all(loops.map(async (one) => one?.stop()))) };
}

/** Starts the loops that do not deliver. */
function startUpkeep(
  env: WorkerEnv,
  { db, enqueue, metrics, log }: Pick<Parts, 'db' | 'metrics' | 'log'> & Pick<Deps, 'enqueue'>,
) {
  const notifying = startNotifying({
    db,
    enqueue,
    log,
    operationsAccount: env.operationsAccount,
    sendsEmails: env.email !== null,
  });
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
  return { notifying, retention, erasing, settling, catchingUp, folding, replaying, tallying, emailing };
}
