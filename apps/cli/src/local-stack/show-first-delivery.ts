import { setTimeout as delay } from 'node:timers/promises';

interface DemoStatus {
  delivered: { event: string; ms: number; signature: string } | null;
  problem: string | null;
}

/** Waits until the demo has seen an event come back to its own webhook, or knows what is in the way, and returns what to
 *  tell about it. Gives up after 30 s, which is no error of the stack. */
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
  return 'The demo has not received anything within 30 s; the logs may tell why.';
}

async function readStatus(demoUrl: string): Promise<DemoStatus> {
  try {
    const response = await fetch(`${demoUrl}/status.json`, { signal: AbortSignal.timeout(2000) });
    return (await response.json()) as DemoStatus;
  } catch {
    return { delivered: null, problem: null }; // it is being restarted
  }
}
