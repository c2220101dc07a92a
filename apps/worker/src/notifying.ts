import { type Deps, type Log, publishOperationalEvents } from '@posthorn/core';
import { type Loop, startLoop } from './loop.js';

const IDLE_MS = 1_000;
/** Pause while there may be more. */
const BUSY_MS = 100;

export interface NotifyingOptions extends Pick<Deps, 'db' | 'enqueue'> {
  log: Log;
  /** The account whose subscriptions get operational events. */
  operationsAccount: string;
  /** Whether there is a mail server. */
  sendsEmails: boolean;
}

/** Publishes operational events until it is stopped. Any number of processes may run it. */
export function startNotifying({ db, enqueue, log, ...options }: NotifyingOptions): Loop {
  return startLoop({
    name: 'operational_events',
    log,
    restMs: IDLE_MS,
    round: async () => ((await publishOperationalEvents({ db, enqueue }, options)) > 0 ? BUSY_MS : IDLE_MS),
  });
}
