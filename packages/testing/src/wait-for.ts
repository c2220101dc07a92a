import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first truthy value of `condition`. A condition that throws is not met yet, so it may contain expectations. Throws
 *  after `timeoutMs`, naming `what`; the cause is the last error of the condition. */
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
      throw new Error(`Gave up after ${timeoutMs} ms waiting for ${what}${last}`, { cause });
    }
    // Polls at a tenth of the elapsed time, since conditions often query a busy server.
    await delay(Math.min(200, Math.max(10, (Date.now() - from) / 10)));
  }
}
