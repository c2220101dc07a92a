import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first truthy value that `condition` gives. A condition that throws is not met yet, so it may hold
 *  expectations. Throws after `timeoutMs`, naming `what` was waited for; the last error of the condition is the cause. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 120_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {},
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const from = Date.now();
  const until = from + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined | 0 | ''>;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= until) {
      const last = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}${last}`, { cause });
    }
    // To a tenth of the wait: what is asked is often a server, which has other things to do.
    await delay(Math.min(200, Math.max(10, (Date.now() - from) / 10)));
  }
}
