import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedRedis, startRedis } from '@posthorn/embedded';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { forkHere } from './fork-here.js';
import { newPayload, now, publishSteadily } from './load.js';
import { type Meter, openMeter } from './meter.js';
import type { Sink } from './open-sink.js';
import type { Case, Metrics } from './scenario.js';
import { percentiles } from './statistics.js';

/** The same load, machine and endpoint without a system, as an upper bound. The cases with BullMQ need a redis-server. */
export interface Ceilings {
  /** A backlog in Redis, through one process with BullMQ and undici, without a database, signatures or records. */
  drain(events: number): Case[];
  /** The same at a steady rate. */
  steady(load: { rate: number; seconds: number }): Case[];
  /** One process that only posts. */
  undiciAlone(events: number): Case[];
  close(): Promise<void>;
}

export const BARE = 'ceiling: BullMQ + undici';
const UNDICI = 'ceiling: undici alone';
export const bareAt = (rate: number): string => `${BARE}, ${rate}/s`;

/** A backlog of `events` is preceded by this many that are not measured: the process that delivers it is fresh, and V8 compiles during
 *  its first thousands of deliveries. */
export const warmUpOf = (events: number): number => Math.ceil(events / 2);
const ENDPOINT = 'ceiling';

export async function openCeilings({ sink, signal }: Load): Promise<Ceilings> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const redis = await startRedis({ directory: join(folder, 'redis'), log: () => {} });
  const connection = redis && new Redis(redis.url, { maxRetriesPerRequest: null });
  const bare: Bare | null = redis && connection && { sink, signal, redis, queue: new Queue('bare', { connection }) };
  return {
    drain: (events) => (bare ? [{ name: BARE, measure: () => drainBare(bare, events) }] : []),
    steady: (load) => (bare ? [{ name: bareAt(load.rate), measure: () => runBareSteadily(bare, load) }] : []),
    undiciAlone: (events) => [{ name: UNDICI, measure: () => drainUndici({ sink, signal }, events) }],
    async close() {
      await bare?.queue.close();
      connection?.disconnect();
      await redis?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Load {
  sink: Sink;
  signal: AbortSignal;
}

/** BullMQ and undici. */
interface Bare extends Load {
  redis: EmbeddedRedis;
  queue: Queue;
}

async function drainBare(bare: Bare, events: number): Promise<Metrics> {
  return withWorker(bare, async ({ go, meter }) => {
    const total = warmUpOf(events) + events;
    for (let from = 0; from < total; from += 500) {
      const count = Math.min(500, total - from);
      await bare.queue.addBulk(
        Array.from({ length: count }, (_, n) => ({ name: 'bare', data: { body: newPayload(from + n) } })),
      );
    }
    go();
    return measureBacklog({ ...bare, endpoint: ENDPOINT, events, meter });
  });
}

async function runBareSteadily(bare: Bare, { rate, seconds }: { rate: number; seconds: number }): Promise<Metrics> {
  const { sink, signal, queue } = bare;
  return withWorker(bare, async ({ go, meter }) => {
    go();
    const publish = async (n: number) => void (await queue.add('bare', { body: newPayload(n) }));
    const warmUp = rate * 2;
    await publishSteadily({ publish, rate, total: warmUp, signal }); // the process is fresh
    await sink.untilReceived(ENDPOINT, warmUp, signal);
    await sink.reset(ENDPOINT);
    const metering = await meter.start();
    const total = rate * seconds;
    await publishSteadily({ publish, rate, total, signal });
    await sink.untilReceived(ENDPOINT, total, signal);
    const costs = await metering.stop(total);
    return { ...percentiles((await sink.report(ENDPOINT)).latenciesMs), ...costs };
  });
}

/** Runs `work` beside a new worker process, which starts when `go` is called. */
async function withWorker<T>(
  { sink, redis }: Bare,
  work: (worker: { go: () => void; meter: Meter }) => Promise<T>,
): Promise<T> {
  const worker = forkHere('./bare-worker.js', [redis.url, sink.url(ENDPOINT)]);
  const exited = once(worker, 'exit');
  await once(worker, 'message');
  const meter = await openMeter(
    { pids: () => ({ worker: [worker.pid ?? 0], redis: [redis.pid] }), redisUrl: redis.url },
    { sinkPid: sink.pid },
  );
  try {
    await sink.reset(ENDPOINT);
    return await work({ go: () => worker.send('go'), meter });
  } finally {
    await meter.close();
    worker.kill();
    await exited;
  }
}

async function drainUndici({ sink, signal }: Load, events: number): Promise<Metrics> {
  await sink.reset(ENDPOINT);
  const sender = forkHere('./undici-alone.js', [sink.url(ENDPOINT), String(warmUpOf(events) + events)]);
  const exited = once(sender, 'exit');
  await once(sender, 'message');
  const meter = await openMeter({ pids: () => ({ worker: [sender.pid ?? 0] }) }, { sinkPid: sink.pid });
  sender.send('go');
  const metrics = await measureBacklog({ sink, endpoint: ENDPOINT, events, signal, meter });
  await meter.close();
  sender.kill();
  await exited;
  return metrics;
}

/** Measures the last `events` of a backlog, after those of its warm-up. */
export async function measureBacklog({
  sink,
  endpoint,
  events,
  signal,
  meter,
}: {
  sink: Sink;
  endpoint: string;
  events: number;
  signal: AbortSignal;
  meter: Meter;
}): Promise<Metrics> {
  const warmUp = warmUpOf(events);
  await sink.untilReceived(endpoint, warmUp, signal);
  const metering = await meter.start();
  const begun = await sink.look(endpoint);
  const from = now();
  const { lastAt } = await sink.untilReceived(endpoint, warmUp + events, signal);
  const count = warmUp + events - begun.count;
  return { perSecond: count / ((lastAt - from) / 1_000), ...(await metering.stop(count)) };
}
