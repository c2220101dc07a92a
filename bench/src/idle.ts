import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Percentiles, measureLatency, percentiles } from './measure.js';
import { type Bench, forkHere, startBench } from './stack.js';

/** How long the first retry waits, before its jitter. */
const RETRY_SECONDS = 2;

/** How punctual Posthorn is when it has nothing else to do: with an event that comes alone, and with retries, against the time
 *  at which the API says that they are due. */
export async function measureIdle({ backend, count }: { backend: 'redis' | 'postgres'; count: number }): Promise<void> {
  const bench = await startBench({ backend, workers: 1, env: { RETRY_SCHEDULE_SECONDS: `${RETRY_SECONDS},60` } });
  try {
    await bench.startWorkers();
    const account = await bench.subscribe();
    await measureLatency(bench, [account], { rate: 100, seconds: 5 }); // until V8 has compiled it
    const { delivered } = await measureLatency(bench, [account], { rate: 1 / 3, seconds: 3 * count });
    print(`publish → receiver, an event each 3 s, ${count} of them`, delivered);
    const lateMs = await measureRetries(bench, count);
    print(`due → receiver, a retry each second, ${lateMs.length} of them`, percentiles(lateMs));
    console.log(`the earliest of them ${Math.min(...lateMs).toFixed(1)} ms after it was due`);
  } finally {
    await bench.stop();
  }
}

/** Milliseconds from the moment that a retry is due to its arrival, by the receiver's clock. */
async function measureRetries(bench: Bench, count: number): Promise<number[]> {
  const receiver = forkHere('./bad-receiver.js');
  try {
    const [{ port }] = (await once(receiver, 'message')) as [{ port: number }];
    const arrivedAt = new Map<string, number>();
    receiver.on('message', ({ id, at }: { id: string; at: number }) => arrivedAt.set(id, at));
    const path = '/v1/accounts/failing';
    await bench.call('PUT', path, '{}');
    await bench.subscribeTo('failing', { url: `http://127.0.0.1:${port}/once-failing` });
    const dueAt = new Map<string, number>();
    for (let n = 0; n < count; n += 1) {
      const published = await bench.call('POST', `${path}/events`, `{"event":"message:created","payload":{"n":${n}}}`);
      const { id } = JSON.parse(published.text) as { id: string };
      await pause(1_000);
      const { text } = await bench.call('GET', `${path}/deliveries?event=${id}`);
      const [delivery] = (JSON.parse(text) as { data: { nextAttemptAt: string }[] }).data;
      dueAt.set(id, Date.parse(delivery?.nextAttemptAt ?? ''));
    }
    await pause(RETRY_SECONDS * 2_000);
    return [...dueAt].map(([id, due]) => (arrivedAt.get(id) ?? Number.POSITIVE_INFINITY) - due);
  } finally {
    receiver.kill();
  }
}

function print(what: string, { p50Ms, p95Ms, p99Ms, maxMs }: Percentiles): void {
  const cells = Object.entries({ p50: p50Ms, p95: p95Ms, p99: p99Ms, max: maxMs });
  console.log(what.padEnd(58) + cells.map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`.padEnd(15)).join(''));
}
