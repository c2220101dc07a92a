import { setTimeout as pause } from 'node:timers/promises';
import { newPayload } from '../load.js';
import { openBadEndpoints } from '../open-bad-endpoints.js';
import type { Metrics, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';
import { percentiles } from '../statistics.js';

/** How long the first retry waits, before its jitter. */
const WAIT_SECONDS = 4;
const ACCOUNT = 'retrying';

export const retry: Scenario = {
  name: 'retry',
  about: 'Fails first attempts, and measures how late the retries arrive, compared with the time that the API reports.',
  needsPosthorn: true,
  maxMinutes: 20,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn({ env: { RETRY_SCHEDULE_SECONDS: `${WAIT_SECONDS},60` } });
    const endpoints = await openBadEndpoints();
    tools.closeLater(() => endpoints.close());
    const arrivals = new Map<string, number>();
    endpoints.onAttempt(({ id, at, isRetry }) => {
      if (isRetry) arrivals.set(id, at);
    });
    await posthorn.call('PUT', `/v1/accounts/${ACCOUNT}`, '{}');
    await posthorn.addSubscription(ACCOUNT, { url: endpoints.url('once-failing') });
    const run = (rate: number, retries: number) => measureRetries(tools, posthorn, { arrivals, rate, retries });
    return [
      {
        name: 'one retry per second',
        warmUp: () => run(10, 20),
        measure: () => run(1, tools.isQuick ? 4 : 20),
      },
      { name: '50 retries per second', measure: () => run(50, tools.isQuick ? 100 : 500) },
    ];
  },
};

/** Milliseconds from when a retry is due to its arrival, on the machine's clock. Every second event is retried. */
async function measureRetries(
  { signal }: Tools,
  { call }: Posthorn,
  { arrivals, rate, retries }: { arrivals: Map<string, number>; rate: number; retries: number },
): Promise<Metrics> {
  const dueAt = new Map<string, number>();
  async function publishOne(n: number): Promise<void> {
    const body = `{"event":"message:created","payload":${newPayload(n)}}`;
    const published = await call('POST', `/v1/accounts/${ACCOUNT}/events`, body);
    const { id } = JSON.parse(published.text) as { id: string };
    await pause(1_500);
    const { text } = await call('GET', `/v1/accounts/${ACCOUNT}/deliveries?event=${id}`);
    const [delivery] = (JSON.parse(text) as { data: { nextAttemptAt: string | null; attemptCount: number }[] }).data;
    if (delivery?.attemptCount === 1 && delivery.nextAttemptAt !== null)
      dueAt.set(id, Date.parse(delivery.nextAttemptAt));
  }
  const published: Promise<void>[] = [];
  for (let n = 0; n < retries * 2; n += 1) {
    published.push(publishOne(n));
    await pause(500 / rate);
    signal.throwIfAborted();
  }
  await Promise.all(published);
  if (dueAt.size < retries / 2) throw new Error(`Only ${dueAt.size} of ${retries} retries were scheduled.`);
  const until = Date.now() + WAIT_SECONDS * 1_000 + 30_000;
  while (Date.now() < until && [...dueAt.keys()].some((id) => !arrivals.has(id))) {
    signal.throwIfAborted();
    await pause(500);
  }
  const lateMs = [...dueAt].map(([id, due]) => (arrivals.get(id) ?? Number.POSITIVE_INFINITY) - due);
  return { ...percentiles(lateMs), earliestMs: Math.min(...lateMs) };
}
