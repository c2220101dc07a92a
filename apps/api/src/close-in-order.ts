import type { Log } from '@posthorn/core';

/** Runs all steps one after the other, even if one fails, and logs each failure. Throws at the end an error that names the
 *  failed steps. */
export async function inOrder(log: Log, steps: Record<string, () => Promise<unknown>>): Promise<void> {
  const failed: string[] = [];
  for (const [step, run] of Object.entries(steps)) {
    try {
      await run();
    } catch (error) {
      failed.push(step);
      log.error({ err: error, step }, 'shutdown.step_failed');
    }
  }
  if (failed.length > 0) throw new Error(`shutdown steps failed: ${failed.join(', ')}`);
}
