import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '@posthorn/embedded';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { forkHere } from './fork-here.js';
import { newPayload, now, publishSteadily } from './load.js';
import { openMeter } from './meter.js';
import type { Sink } from './open-sink.js';
import type { Case } from './scenario.js';
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

/** A backlog is measured from this event on, to exclude process startup. */
const FIRST = 100;
const ENDPOINT = 'ceiling';

export async function openCeilings({ sink, signal }: { sink: Sink; signal: AbortSignal }): Promise<Ceilings> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const redis = await startRedis({ directory: join(folder, 'redis'), log: () => {} });
  const connection = redis && new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = connection && new Queue('bare', { connection });

  /** Runs `work` beside a new worker process, which starts when `go` is called. */
  async function withWorker<T>(work: (worker: { go: () => void; pid: number }) => Promise<T>): Promise<T> {
    const worker = forkHere('./bare-worker.js', [redis?.url ?? '', sink.url(ENDPOINT)]);
    const exited = once(worker, 'exit');
    await once(worker, 'message');
    try {
      await sink.reset(ENDPOINT);
      return await work({ go: () => worker.send('go'), pid: worker.pid ?? 0 });
    } finally {
      worker.kill();
      await exited;
    }
  }
  const meterOf = (pid: number) =>
    openMeter(
      { pids: () => ({ worker: [pid], redis: [redis?.pid ?? 0] }), redisUrl: redis?.url ?? null },
      { sinkPid: sink.pid },
    );

  return {
    drain: (events) =>
      ceilingCase(queue, BARE, (jobs) =>
        withWorker(async ({ go, pid }) => {
          const meter = await meterOf(pid);
          for (let from = 0; from < events; from += 500) {
            const count = Math.min(500, events - from);
            await jobs.addBulk(
              Array.from({ length: count }, (_, n) => ({ name: 'bare', data: { body: newPayload(from + n) } })),
            );
          }
          go();
          const figures = await measureBacklog({ sink, endpoint: ENDPOINT, events, signal, meter });
          await meter.close();
          return figures;
        }),
      ),
    steady: ({ rate, seconds }) =>
      ceilingCase(queue, bareAt(rate), (jobs) =>
        withWorker(async ({ go, pid }) => {
          go();
          const add = async (n: number) => void (await jobs.add('bare', { body: newPayload(n) }));
          const warmUp = rate * 2;
          await publishSteadily({ publish: add, rate, total: warmUp, signal }); // the process is fresh
          await sink.untilReceived(ENDPOINT, warmUp, signal);
          await sink.reset(ENDPOINT);
          const meter = await meterOf(pid);
          const metering = await meter.start();
          const total = rate * seconds;
          await publishSteadily({ publish: add, rate, total, signal });
          await sink.untilReceived(ENDPOINT, total, signal);
          const costs = await metering.stop(total);
          await meter.close();
          return { ...percentiles((await sink.report(ENDPOINT)).latenciesMs), ...costs };
        }),
      ),
    undiciAlone: (events) => [
      {
        name: UNDICI,
        async measure() {
          await sink.reset(ENDPOINT);
          const sender = forkHere('./undici-alone.js', [sink.url(ENDPOINT), String(events)]);
          const exited = once(sender, 'exit');
          await once(sender, 'message');
          const meter = await openMeter({ pids: () => ({ worker: [sender.pid ?? 0] }) }, { sinkPid: sink.pid });
          sender.send('go');
          const figures = await measureBacklog({ sink, endpoint: ENDPOINT, events, signal, meter });
          await meter.close();
          sender.kill();
          await exited;
          return figures;
        },
      },
    ],
    async close() {
      await queue?.close();
      connection?.disconnect();
      await redis?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Needs Redis. */
function ceilingCase(queue: Queue | null, name: string, measure: (jobs: Queue) => ReturnType<Case['measure']>): Case[] {
  return queue ? [{ name, measure: () => measure(queue) }] : [];
}

/** Measures from the FIRST events until all have arrived. */
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
  meter: Awaited<ReturnType<typeof openMeter>>;
}): ReturnType<Case['measure']> {
  await sink.untilReceived(endpoint, FIRST, signal);
  const metering = await meter.start();
  const begun = await sink.look(endpoint);
  const from = now();
  const { lastAt } = await sink.untilReceived(endpoint, events, signal);
  const count = events - begun.count;
  return { perSecond: count / ((lastAt - from) / 1_000), ...(await metering.stop(count)) };
}
