import { type Deps, dispatchVerifications, type Log } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

const PACE_MS = 1_000;

export interface VerificationDispatcherOptions extends Pick<Deps, 'db' | 'enqueue'> {
  log: Log;
  observe: (round: { enqueued: number }) => void;
}

/** Enqueues due verifications, once per second at most, until it is stopped. Any number of processes may run it. */
export const startVerificationDispatcher = ({ db, enqueue, log, observe }: VerificationDispatcherOptions): Loop =>
  startLoop({
    name: 'verifications',
    log,
    ...whenDue(PACE_MS),
    async round() {
      observe({ enqueued: await dispatchVerifications({ db, enqueue }) });
    },
  });
