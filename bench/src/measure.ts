import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { cpuUs } from './cpu.js';
import { type Bench, forkHere } from './stack.js';

export const now = () => performance.timeOrigin + performance.now();
/** About the size of a Papercups message, 924 bytes. */
const newBody = (n: number) =>
  `{"event":"message:created","payload":{"sentAt":${now()},"n":${n},"body":"${'Hey there! '.repeat(70)}","object":"message"}}`;

export interface Percentiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Latency {
  rate: number;
  sent: number;
  received: number;
  /** From before the publish to its 202. */
  accepted: Percentiles;
  /** From before the publish to the receiver. */
  delivered: Percentiles;
  cpuUsPerDelivery: Record<string, number>;
  /** Of one core, by part. */
  busyPercent: Record<string, number>;
}

/** Publishes at a steady rate, to one account after the other, and tells how long each event took. */
export async function measureLatency(
  bench: Bench,
  accounts: string[],
  { rate, seconds }: { rate: number; seconds: number },
): Promise<Latency> {
  await bench.sink.reset();
  const before = readCpu(bench);
  const start = now();
  const published: Promise<void>[] = [];
  const acceptedMs: number[] = [];
  const total = Math.round(rate * seconds);
  for (let sent = 0; sent < total;) {
    // As many as are due by now; each is stamped when it is handed over.
    for (const due = Math.min(total, Math.floor(((now() - start) / 1_000) * rate)); sent < due; sent += 1) {
      const from = now();
      published.push(
        bench
          .publish(accounts[sent % accounts.length] ?? '', newBody(sent))
          .then(() => void acceptedMs.push(now() - from)),
      );
    }
    await pause(1);
  }
  await Promise.all(published);
  await untilReceived(bench, total, 'stampedCount');
  const { latenciesMs, stampedCount: count } = await bench.sink.report();
  return {
    rate,
    sent: total,
    received: count,
    accepted: percentiles(acceptedMs),
    delivered: percentiles(latenciesMs),
    cpuUsPerDelivery: cpuSince(bench, before, total),
    busyPercent: cpuSince(bench, before, (now() - start) * 10),
  };
}

export function percentiles(valuesMs: number[]): Percentiles {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

export interface Throughput {
  events: number;
  perSecond: number;
  cpuUsPerDelivery: Record<string, number>;
}

/** Publishes flat out, one event per request, `concurrency` at once, with the workers running: from the first publish to the last receipt. */
export async function measureFlatOut(
  bench: Bench,
  account: string,
  { events, concurrency }: { events: number; concurrency: number },
): Promise<Throughput> {
  await bench.sink.reset();
  const before = readCpu(bench);
  const start = now();
  await publishAll(bench, account, { events, concurrency });
  await untilReceived(bench, events);
  return summarize(bench, { events, start, before });
}

/** Publishes a backlog while no worker runs, then lets them at it: deliveries alone. */
export async function measureDrain(
  bench: Bench,
  account: string,
  { events, concurrency }: { events: number; concurrency: number },
): Promise<Throughput> {
  await bench.stopWorkers();
  await bench.sink.reset();
  await publishAll(bench, account, { events, concurrency });
  await bench.startWorkers();
  // Starting a process is not what is measured: from the first hundred on.
  const first = 100;
  await untilReceived(bench, first);
  const begun = await bench.sink.look();
  const before = readCpu(bench);
  await untilReceived(bench, events);
  return summarize(bench, { events: events - begun.count, start: begun.lastAt, before });
}

/** The ceiling: the same number of bodies through bare BullMQ and undici, one worker process, no database. */
export async function measureBare(bench: Bench, { events }: { events: number }): Promise<Throughput | null> {
  if (bench.redisUrl === null) return null;
  await bench.sink.reset();
  const redis = new Redis(bench.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue('bare', { connection: redis });
  const worker = forkHere('./bare-worker.js', [bench.redisUrl, bench.sink.url]);
  await once(worker, 'message');
  for (let from = 0; from < events; from += 500) {
    await queue.addBulk(
      Array.from({ length: Math.min(500, events - from) }, (_, n) => ({
        name: 'bare',
        data: { body: newBody(from + n) },
      })),
    );
  }
  worker.send('go');
  await untilReceived(bench, 100);
  const begun = await bench.sink.look();
  const redisPid = bench.pids()['redis']?.[0];
  const readBare = () => ({
    worker: cpuUs(worker.pid ?? 0),
    ...(redisPid !== undefined && { redis: cpuUs(redisPid) }),
    sink: cpuUs(bench.sink.pid),
  });
  const before: Record<string, number> = readBare();
  await untilReceived(bench, events);
  const seen = await bench.sink.look();
  const after: Record<string, number> = readBare();
  const count = events - begun.count;
  worker.kill();
  await queue.close();
  redis.disconnect();
  return {
    events: count,
    perSecond: count / ((seen.lastAt - begun.lastAt) / 1_000),
    cpuUsPerDelivery: Object.fromEntries(
      Object.entries(after).map(([name, us]) => [name, (us - (before[name] ?? 0)) / count]),
    ),
  };
}

async function publishAll(
  bench: Bench,
  account: string,
  { events, concurrency }: { events: number; concurrency: number },
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < events) await bench.publish(account, newBody(next++));
    }),
  );
}

async function untilReceived(bench: Bench, count: number, which: 'count' | 'stampedCount' = 'count'): Promise<void> {
  let seen = -1;
  for (let quiet = 0; quiet < 600; quiet += 1) {
    const { [which]: looked } = await bench.sink.look();
    if (looked >= count) return;
    if (looked > seen) quiet = 0;
    seen = looked;
    await pause(50);
  }
  throw new Error(`only ${seen} of ${count} arrived, and none for 30 s`);
}

async function summarize(
  bench: Bench,
  { events, start, before }: { events: number; start: number; before: Record<string, number> },
): Promise<Throughput> {
  const { lastAt } = await bench.sink.look();
  return { events, perSecond: events / ((lastAt - start) / 1_000), cpuUsPerDelivery: cpuSince(bench, before, events) };
}

function cpuSince(bench: Bench, before: Record<string, number>, deliveries: number): Record<string, number> {
  const after = readCpu(bench);
  return Object.fromEntries(Object.entries(after).map(([name, us]) => [name, (us - (before[name] ?? 0)) / deliveries]));
}

function readCpu(bench: Bench): Record<string, number> {
  const pids = { ...bench.pids(), sink: [bench.sink.pid] };
  return Object.fromEntries(
    Object.entries(pids).map(([name, list]) => [name, list.reduce((sum, pid) => sum + cpuUs(pid), 0)]),
  );
}
