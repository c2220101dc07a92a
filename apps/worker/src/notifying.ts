import { type Deps, type Log, publishOperationalEvents } from '@posthorn/core';
import { type Loop, startLoop, whenDue } from './loop.js';

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
    ...whenDue(),
    round: async () => ((await publishOperationalEvents({ db, enqueue }, options)) > 0 ? BUSY_MS : undefined),
  });
}
