import { setTimeout as delay } from 'node:timers/promises';

interface DemoStatus {
  delivered: { event: string; ms: number; signature: string } | null;
  problem: string | null;
}

/** Waits until the demo has received an event at its own webhook, or reports a problem. Returns the line to print. Gives up after
 *  30 s, which is not an error of the stack. */
export async function showFirstDelivery(demoUrl: string, signal: AbortSignal): Promise<string> {
  const until = Date.now() + 30_000;
  while (!signal.aborted && Date.now() < until) {
    const { delivered, problem } = await readStatus(demoUrl);
    if (delivered) {
      const { event, ms, signature } = delivered;
      return `${event} delivered to ${demoUrl}/webhook in ${Math.round(ms)} ms, signature ${signature}`;
    }
    if (problem !== null) return problem;
    await delay(50);
  }
  return 'The demo received no event within 30 s; see the logs for the cause.';
}

async function readStatus(demoUrl: string): Promise<DemoStatus> {
  try {
    const response = await fetch(`${demoUrl}/status.json`, { signal: AbortSignal.timeout(2000) });
    return (await response.json()) as DemoStatus;
  } catch {
    return { delivered: null, problem: null }; // the demo is restarting
  }
}
