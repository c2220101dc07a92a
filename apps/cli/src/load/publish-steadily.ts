import { setTimeout as pause } from 'node:timers/promises';

/** Why publishing ended. */
export type Ending = 'finished' | 'interrupted' | 'backlog' | 'refused';

interface Load {
  /** Events per second. */
  rate: number;
  total: number;
  publish(n: number): Promise<void>;
  /** Asked before each publish. null: go on. */
  shouldEnd(): Exclude<Ending, 'finished'> | null;
  onProgress(published: number): void;
  /** Milliseconds of a monotonic clock. */
  now(): number;
}

export interface Published {
  ending: Ending;
  /** Publishes that were started. */
  started: number;
  /** Until the last response. */
  durationMs: number;
  /** Whether responses were so slow that the rate was not kept. */
  fellBehind: boolean;
}

/** Further publishes wait, so that a slow API does not use up the sockets of this machine. */
const MAX_AT_ONCE = 256;

/** Publishes at a steady rate without waiting for responses, at most 256 at once. Ends early if `shouldEnd` says so, and waits for the
 *  responses. `publish` must not reject. */
export async function publishSteadily({ rate, total, publish, shouldEnd, onProgress, now }: Load): Promise<Published> {
  const start = now();
  const atOnce = new Set<Promise<void>>();
  let started = 0;
  let fellBehind = false;
  let ending: Ending = 'finished';
  while (started < total) {
    const due = Math.min(total, Math.floor(((now() - start) / 1_000) * rate) + 1);
    while (started < due && atOnce.size < MAX_AT_ONCE && (ending = shouldEnd() ?? 'finished') === 'finished') {
      const publishing: Promise<void> = publish(started).finally(() => atOnce.delete(publishing));
      atOnce.add(publishing);
      started += 1;
    }
    if (started >= total || (ending = shouldEnd() ?? 'finished') !== 'finished') break;
    if (started < due) fellBehind = true;
    onProgress(started);
    await pause(1);
  }
  await Promise.all(atOnce);
  return { ending, started, durationMs: now() - start, fellBehind };
}
