import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first truthy value that `condition` gives. A condition that throws is not met yet, so it may hold
 *  expectations. Throws after `timeoutMs`, naming `what` was waited for; the last error of the condition is the cause. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 20_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {},
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const until = Date.now() + timeoutMs;
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
    await delay(10);
  }
}
