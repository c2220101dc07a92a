import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from 'bullmq';

/** How much longer than the wait itself BullMQ may take, to reset a connection that does not respond. */
const MARGIN_MS = 10_000;

type Waits = Pick<Worker['backend'], 'waitForJob' | 'reconnectBlocking'>;

/** Limits how long a worker waits for its blocking connection. BullMQ 6.7 can wait forever: when a wait is overdue, it closes the
 *  connection and waits for the event `end`. On a Cluster, the overdue command fails meanwhile and reconnects the same client, which
 *  then never emits `end`. After the limit the worker looks for a job and waits again, over the connection as it then is. */
export function boundWaits(waits: Waits, marginMs = MARGIN_MS): void {
  const waitForJob = waits.waitForJob.bind(waits);
  const reconnectBlocking = waits.reconnectBlocking.bind(waits);
  waits.waitForJob = (seconds: number) => within(waitForJob(seconds), seconds * 1_000 + marginMs, null);
  waits.reconnectBlocking = () => within(reconnectBlocking(), marginMs, undefined);
}

/** Resolves with `otherwise` if `work` takes longer than `ms`. */
async function within<T>(work: Promise<T>, ms: number, otherwise: T): Promise<T> {
  const timer = new AbortController();
  const late = pause(ms, otherwise, { signal: timer.signal, ref: false }).catch(() => otherwise);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
    work.catch(() => {}); // after the limit, nobody waits for it
  }
}
