import type { Log } from '@posthorn/core';

/** Runs the steps one after the other, each whether or not the one before failed, and logs each failure. Throws at the end
 *  if any failed, naming them. */
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
  if (failed.length > 0) throw new Error(`these steps of the shutdown failed: ${failed.join(', ')}`);
}
