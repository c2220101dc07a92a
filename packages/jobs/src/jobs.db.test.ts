import { setTimeout as pause } from 'node:timers/promises';
import { cloneDatabase, makeCertificate, openProxy, waitFor } from '@posthorn/testing';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { DEFAULT_SCHEMA } from 'bullmq';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { type QueueConnection, openBackend } from './backend.js';
import { type Due, type QueueName, type DueJob, fromJobId, toJobId } from './catalog.js';
import { type Consumer, openConsumer } from './consumer.js';
import type { JobEnd } from './end-job.js';
import { type Producer, openProducer } from './producer.js';

const silent = { info() {}, warn() {}, error() {} };

describe('job ids', () => {
  it('name the delivery and the attempt, and can be parsed', () => {
    const due = { id: randomUUID(), attemptNumber: 12 };
    expect(toJobId('deliver', due)).toMatch(/^dlv_[0-9a-z]{26}-12$/);
    expect(toJobId('verify', due)).toMatch(/^ver_[0-9a-z]{26}-12$/);
    expect(fromJobId('deliver', toJobId('deliver', due))).toEqual(due);
  });

  it('are not parsed from other texts', () => {
    const id = toJobId('deliver', { id: randomUUID(), attemptNumber: 1 });
    for (const wrong of [
      undefined,
      '',
      'x',
      '17',
      `${id}x`,
      id.replace('-1', '-0'),
      id.replace('dlv', 'evt'),
      `${id}-1`,
    ]) {
      expect(fromJobId('deliver', wrong)).toBeNull();
    }
    expect(fromJobId('verify', id)).toBeNull();
  });
});

describe.each(inject('queueBackends'))('queue on %s', (backend) => {
  let connection: QueueConnection & { url: string };
  let undo: (() => Promise<void>)[];
  beforeEach(async () => {
    undo = [];
    if (backend === 'redis') {
      // A separate, emptied database for this file: job ids are unique, but counts are global.
      connection = { backend, url: `${inject('redisUrl')}/5` };
      const { Redis } = await import('ioredis');
      const redis = new Redis(connection.url);
      await redis.flushdb();
      redis.disconnect();
    } else {
      const database = await cloneDatabase(inject('templateDatabaseUrl'));
      undo.push(() => database.drop());
      connection = { backend, url: database.url };
    }
  });
  afterEach(async () => {
    for (const step of undo.toReversed()) await step();
  });

  function producer(): Producer {
    const opened = openProducer(connection, { log: silent });
    undo.push(() => opened.close());
    return opened;
  }
  function consumer(
    queue: QueueName,
    handle: (due: DueJob, signal: AbortSignal) => Promise<JobEnd>,
    concurrency = 10,
  ): Consumer {
    const opened = openConsumer(connection, { queue, concurrency, handle, log: silent });
    undo.push(() => opened.stop({ graceMs: 0 }));
    opened.start();
    return opened;
  }
  const LONG_MS = 14_000; // the lock lasts for 10 s and is checked every 3 s
  const due = (extra: Partial<Due> = {}): Due => ({ id: randomUUID(), attemptNumber: 1, ...extra });
  const completed: JobEnd = { end: 'completed', value: { outcome: 'ok' } };

  it.runIf(backend === 'redis')(
    'takes at most the memory that docs/performance.md counts for a scheduled retry',
    async () => {
      const page = readFileSync(new URL('../../../docs/performance.md', import.meta.url), 'utf8');
      const documented = Number(/one job of one delivery takes (\d+) bytes of Redis/.exec(page)?.[1]);
      const leasedUntil = Date.now() + 600_000;
      const retries = Array.from({ length: 500 }, () => ({
        id: randomUUID(),
        attemptNumber: 2,
        delayMs: 600_000,
        leasedUntil,
      }));
      await producer().enqueue('retry', retries);
      const { Redis } = await import('ioredis');
      const redis = new Redis(connection.url);
      const keys = (await redis.keys('{posthorn:0}:retry:*')).filter((key) => /:(dlv_\w+-2|delayed)$/.test(key));
      const bytes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
      redis.disconnect();
      const each = bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0) / retries.length;
      expect(keys.length).toBe(retries.length + 1);
      expect(each).toBeLessThan(documented); // which has the tables of Redis, too
      expect(each).toBeGreaterThan(documented * 0.7); // otherwise, correct the page
    },
  );

  it('runs an enqueued job, and keeps it with ids, attempt and outcome for Bull Board', async () => {
    const { enqueue, queues } = producer();
    const seen: Due[] = [];
    consumer('deliver', (one) => {
      seen.push(one);
      return Promise.resolve(completed);
    });
    const sent = [due(), due({ attemptNumber: 7 })];
    expect(await enqueue('deliver', sent)).toBe(true);
    await waitFor(() => seen.length === 2);
    expect(seen.map(({ id }) => id).toSorted()).toEqual(sent.map(({ id }) => id).toSorted());
    const [job] = await waitFor(async () => {
      const kept = await queues.deliver[0].getCompleted();
      return kept.length === 2 && kept;
    });
    expect(job?.returnvalue).toEqual({ outcome: 'ok' });
    expect(Object.keys(job?.data).toSorted()).toEqual(['attemptNumber', 'deliveryId']);
  });

  it('keeps the last 200 finished jobs, and newer ones for a second more', async () => {
    const { enqueue, queues } = producer();
    let handled = 0;
    consumer('deliver', () => {
      handled += 1;
      return Promise.resolve<JobEnd>(handled % 2 === 0 ? completed : { end: 'failed', reason: 'gone' });
    });
    await enqueue(
      'deliver',
      Array.from({ length: 600 }, () => due()),
    );
    await waitFor(() => handled === 600);
    await pause(1_100);
    await enqueue('deliver', [due(), due()]);
    await waitFor(async () => {
      const { completed: kept = 0, failed = 0 } = await queues.deliver[0].getJobCounts('completed', 'failed');
      return kept === 200 && failed === 200;
    });
  });

  it('makes one job for an attempt that is enqueued twice', async () => {
    const { enqueue, metrics } = producer();
    const one = due();
    await enqueue('deliver', [one, one]);
    await enqueue('deliver', [one]);
    expect((await metrics()).deliver).toMatchObject({ waiting: 1 });
  });

  describe('an attempt whose lease has expired', () => {
    it('regression: runs again although a job of its id has completed or failed', async () => {
      const { enqueue, queues } = producer();
      const [completes, fails] = [due(), due({ attemptNumber: 2 })];
      const runs: string[] = [];
      const worker = consumer('deliver', ({ id, isManualRetry }) => {
        runs.push(`${id} ${isManualRetry}`);
        return Promise.resolve(id === completes.id ? completed : { end: 'failed', reason: 'exhausted' });
      });
      const finished = () => queues.deliver[0].getJobCounts('completed', 'failed');
      await enqueue('deliver', [completes, fails]);
      await waitFor(async () => {
        const { completed: done, failed } = await finished();
        return done === 1 && failed === 1;
      });
      await worker.stop({ graceMs: 0 });
      runs.length = 0;
      await enqueue('deliver', [completes, fails]);
      expect(await finished(), 'kept with the id').toEqual({ completed: 1, failed: 1 });

      const others = [due(), due()];
      const again = [completes, fails].map((one) => ({ ...one, leasedBefore: 'expired' as const }));
      expect(await enqueue('deliver', [...others, ...again])).toBe(true);
      expect(await finished()).toEqual({ completed: 0, failed: 0 });
      consumer('deliver', ({ id, isManualRetry }) => {
        runs.push(`${id} ${isManualRetry}`);
        return Promise.resolve(completed);
      });
      await waitFor(() => runs.length === 4);
      expect(runs.toSorted()).toEqual([...others, completes, fails].map(({ id }) => `${id} false`).toSorted());
    });

    it('keeps a job that waits, is delayed or runs, and its place', async () => {
      const { enqueue, queues } = producer();
      const jobs = { waits: due(), isBehind: due({ rank: 5 }), sleeps: due({ delayMs: 3_600_000 }) };
      const leases = async () =>
        Promise.all(
          Object.values(jobs).map(async (one) => {
            const job = await queues.deliver[0].getJob(toJobId('deliver', one));
            return job?.data.leasedUntil;
          }),
        );
      const found = () =>
        Promise.all(
          Object.values(jobs).map(async (one) => {
            const job = await queues.deliver[0].getJob(toJobId('deliver', one));
            return [await job?.getState(), job?.timestamp];
          }),
        );
      await enqueue('deliver', Object.values(jobs));
      const before = await found();
      expect(before.map(([state]) => state)).toEqual(['waiting', 'prioritized', 'delayed']);
      await enqueue(
        'deliver',
        Object.values(jobs).map((one) => ({ ...one, leasedUntil: 2, leasedBefore: 'expired' as const })),
      );
      expect(await found()).toEqual(before);
      expect(await leases()).toEqual([2, 2, 2]);

      const running = due();
      let runs = 0;
      let release = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      consumer('retry', async () => {
        runs += 1;
        await released;
        return completed;
      });
      await enqueue('retry', [running]);
      await waitFor(() => runs === 1);
      await enqueue('retry', [{ ...running, leasedBefore: 'expired' as const }]);
      release();
      await waitFor(async () => (await queues.retry[0].getCompletedCount()) === 1);
      expect(await queues.retry[0].getJobCounts('waiting', 'active', 'prioritized')).toEqual({
        waiting: 0,
        active: 0,
        prioritized: 0,
      });
      expect(runs).toBe(1);
    });

    it.runIf(backend === 'redis')('regression: runs although Redis has its job in no list any more', async () => {
      const { enqueue, queues } = producer();
      const [lost, waiting] = [due(), due()];
      await enqueue('deliver', [lost, waiting]);
      const { Redis } = await import('ioredis');
      const redis = new Redis(connection.url);
      await redis.lrem(queues.deliver[0].toKey('wait'), 1, toJobId('deliver', lost));
      redis.disconnect();
      await enqueue('deliver', [lost]);
      expect(await queues.deliver[0].getWaitingCount(), 'ignored').toBe(1);
      await enqueue(
        'deliver',
        [lost, waiting].map((one) => ({ ...one, leasedBefore: 'expired' as const })),
      );
      expect(await queues.deliver[0].getWaitingCount()).toBe(2);
    });
  });

  describe('deliveries that are due together', () => {
    const LEASE = { leasedUntil: 1_795_000_000_123_456 };
    const several = (count: number) => Array.from({ length: count }, () => due(LEASE));
    const idsOf = (some: Due[]) => some.map((one) => toJobId('deliver', one)).toSorted();
    function hang() {
      let release = () => {};
      const until = new Promise<void>((resolve) => (release = resolve));
      return { until, release };
    }

    it('share a job: a hanging one delays no other, and the job has the outcome of each', async () => {
      const { enqueue, queues, metrics } = producer();
      const together = several(3);
      const [slow] = together as [Due];
      const { until, release } = hang();
      const ended: DueJob[] = [];
      await Promise.all(together.map((one) => enqueue('deliver', [one])));
      expect((await metrics()).deliver.waiting).toBe(1);
      consumer('deliver', async (one) => {
        if (one.id === slow.id) await until;
        ended.push(one);
        return { end: 'completed', value: { outcome: one.id === slow.id ? 'late' : 'ok' } };
      });
      await waitFor(() => ended.length === 2);
      expect(ended).toMatchObject([LEASE, LEASE]);
      expect((await metrics()).deliver.active).toBe(1);
      release();
      const [job] = await waitFor(async () => {
        const kept = await queues.deliver[0].getCompleted();
        return kept.length === 1 && kept;
      });
      expect(Object.keys(job?.data.deliveries).toSorted()).toEqual(idsOf(together));
      expect(Object.keys(job?.returnvalue).toSorted()).toEqual(idsOf(together));
      expect(job?.returnvalue[toJobId('deliver', slow)]).toEqual({ outcome: 'late' });
    });

    it('are in progress up to the limit of the process, whatever jobs they share', async () => {
      const { enqueue } = producer();
      let [inFlight, most, done] = [0, 0, 0];
      const { until, release } = hang();
      await enqueue('deliver', several(120));
      const opened = consumer(
        'deliver',
        async () => {
          most = Math.max(most, (inFlight += 1));
          await until;
          inFlight -= 1;
          done += 1;
          return completed;
        },
        4,
      );
      await waitFor(() => inFlight === 4);
      opened.setConcurrency(8);
      await waitFor(() => inFlight === 8);
      release();
      await waitFor(() => done === 120);
      expect(most).toBe(8);
    });

    it('stay in the failed job only if they failed, so that a retry in Bull Board repeats only these', async () => {
      const { enqueue, queues } = producer();
      const together = several(3);
      const [bad] = together as [Due];
      const putBack: string[] = [];
      consumer('deliver', (one) => {
        if (one.isManualRetry) putBack.push(one.id);
        return Promise.resolve(
          one.id === bad.id && !one.isManualRetry ? { end: 'failed', reason: 'http_error 500' } : completed,
        );
      });
      await enqueue('deliver', together);
      const [job] = await waitFor(async () => {
        const failed = await queues.deliver[0].getFailed();
        return failed.length === 1 && failed;
      });
      expect(job?.failedReason).toContain('1 of 3 failed');
      for (const id of idsOf(together)) expect(job?.failedReason).toContain(id);
      expect(Object.keys(job?.data.deliveries)).toEqual(idsOf([bad]));
      await job?.retry('failed');
      await waitFor(async () => (await queues.deliver[0].getCompletedCount()) === 1);
      expect(putBack).toEqual([bad.id]);
    });

    it('end normally although another one of their job meets a fault of Posthorn', async () => {
      const { enqueue, queues } = producer();
      const together = several(3);
      const [broken] = together as [Due];
      consumer('deliver', (one) =>
        one.id === broken.id ? Promise.reject(new Error('a bug')) : Promise.resolve(completed),
      );
      await enqueue('deliver', together);
      const [job] = await waitFor(async () => {
        const kept = await queues.deliver[0].getCompleted();
        return kept.length === 1 && kept;
      });
      const outcomes = together.map((one) => job?.returnvalue[toJobId('deliver', one)]);
      expect(outcomes).toEqual(['broken: a bug', { outcome: 'ok' }, { outcome: 'ok' }]);
    });

    it('wait again in their job, for another worker, if one does not end before the worker stops', async () => {
      const { enqueue, metrics } = producer();
      const together = several(3);
      const [slow] = together as [Due];
      let ended = 0;
      const first = consumer('deliver', async ({ id }, signal) => {
        if (id !== slow.id) {
          ended += 1;
          return completed;
        }
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new Error('the database is away');
      });
      await enqueue('deliver', together);
      await waitFor(() => ended === 2);
      await first.stop({ graceMs: 0 });
      expect((await metrics()).deliver).toMatchObject({ waiting: 1, active: 0 });
      const seen: DueJob[] = [];
      consumer('deliver', (one) => {
        seen.push(one);
        return Promise.resolve(completed);
      });
      await waitFor(() => seen.length === 3);
      expect(seen.some(({ isManualRetry }) => isManualRetry)).toBe(false);
    });

    it('gives an attempt of one worker to no other worker, under any lease, unless the first one returned it', async () => {
      const { enqueue, queues } = producer();
      const [held, returned] = [due(LEASE), due(LEASE)];
      const { until, release } = hang();
      const runs: [string, number | undefined][] = [];
      consumer('deliver', async ({ id, leasedUntil }) => {
        runs.push([id, leasedUntil]);
        if (id === held.id) await until;
        return id === returned.id ? { end: 'dropped' } : completed;
      });
      await enqueue('deliver', [held, returned]);
      const [job] = await waitFor(async () => {
        const active = await queues.deliver[0].getActive();
        return active.length === 1 && active[0]?.progress instanceof Object && active;
      });
      expect(job?.progress).toEqual({ givenBack: idsOf([returned]) });
      runs.length = 0;
      const again = [held, returned].map((one) => ({ ...one, leasedUntil: 2 }));
      await enqueue(
        'retry',
        again.map((one) => ({ ...one, leasedBefore: 'expired' })),
      );
      expect((await queues.retry[0].getWaiting()).map(({ id }) => id)).toEqual(idsOf([returned]));
      await enqueue(
        'deliver',
        again.map((one) => ({ ...one, leasedBefore: 'deferred' })),
      );
      await waitFor(() => runs.length === 1);
      expect(runs).toEqual([[returned.id, 2]]);
      // If its worker dies, the job runs again under the new lease.
      const running = await queues.deliver[0].getJob(String(job?.id));
      expect(running?.data.deliveries).toMatchObject({ [toJobId('deliver', held)]: 2 });
      release();
      await waitFor(async () => (await queues.deliver[0].getActiveCount()) === 0);
      await enqueue('deliver', [{ ...held, leasedUntil: 3, leasedBefore: 'deferred' }]);
      await waitFor(() => runs.length === 2);
      expect(runs[1]).toEqual([held.id, 3]);
    });
  });

  it('reports how many jobs are in each state, and how long the next one has waited', async () => {
    const { enqueue, metrics } = producer();
    const none = { waiting: 0, prioritized: 0, active: 0, delayed: 0, failed: 0, oldestWaitingMs: null };
    expect(await metrics()).toEqual({ deliver: none, retry: none, verify: none });
    await enqueue('retry', [due({ delayMs: 60_000 })]);
    expect((await metrics()).retry).toEqual({ ...none, delayed: 1 });
    const start = Date.now();
    await enqueue('deliver', [due()]);
    await enqueue('verify', [due({ rank: 1 })]);
    await pause(50);
    await enqueue('deliver', [due(), due()]);
    const { deliver, verify } = await metrics();
    expect([deliver, verify]).toMatchObject([{ waiting: 3 }, { waiting: 0, prioritized: 1 }]);
    for (const { oldestWaitingMs } of [deliver, verify]) {
      expect(oldestWaitingMs).toBeGreaterThanOrEqual(50);
      expect(oldestWaitingMs).toBeLessThanOrEqual(Date.now() - start);
    }
  });

  it('counts the wait of a delayed job from when it is due, not from when it was enqueued', async () => {
    const { enqueue, metrics } = producer();
    const start = Date.now();
    await enqueue('retry', [due({ delayMs: 500 }), due({ delayMs: 60_000 })]);
    // Without a worker it stays among the delayed.
    const late = await waitFor(async () => {
      const { retry } = await metrics();
      return retry.oldestWaitingMs !== null && retry;
    });
    expect(late.delayed).toBe(2);
    expect(late.oldestWaitingMs).toBeLessThanOrEqual(Date.now() - start - 499);
    // With a busy worker it waits.
    const going = new AbortController();
    const busy = openConsumer(connection, {
      queue: 'retry',
      concurrency: 1,
      log: silent,
      handle: async () => {
        await pause(60_000, undefined, { signal: going.signal }).catch(() => {});
        return completed;
      },
    });
    undo.push(() => busy.stop({ graceMs: 0 }));
    busy.start();
    await waitFor(async () => (await metrics()).retry.active === 1);
    const from = Date.now();
    await enqueue('retry', [due({ delayMs: 1_000 })]);
    const waiting = await waitFor(async () => {
      const { retry } = await metrics();
      return retry.oldestWaitingMs !== null && retry;
    });
    expect(waiting.oldestWaitingMs).toBeLessThanOrEqual(Date.now() - from - 999);
    going.abort();
  });

  it('reports whether a consumer accepts jobs', async () => {
    const one = openConsumer(connection, {
      queue: 'deliver',
      concurrency: 1,
      log: silent,
      handle: () => Promise.resolve(completed),
    });
    expect(one.isRunning()).toBe(false);
    one.start();
    expect(one.isRunning()).toBe(true);
    await one.stop({ graceMs: 0 });
    expect(one.isRunning()).toBe(false);
  });

  it('regression: a worker without a free place takes no job; another worker takes it', async () => {
    const { enqueue } = producer();
    const end = new AbortController();
    const ranBy: string[] = [];
    const open = (name: string) => {
      const opened = openConsumer(connection, {
        queue: 'deliver',
        concurrency: 1,
        log: silent,
        async handle() {
          ranBy.push(name);
          await pause(60_000, undefined, { signal: end.signal }).catch(() => {});
          return completed;
        },
      });
      undo.push(() => opened.stop({ graceMs: 0 }));
      opened.start();
    };
    for (const one of [due(), due()]) await enqueue('deliver', [one]);
    open('first');
    await waitFor(() => ranBy.length === 1);
    open('second');
    await waitFor(() => ranBy.length === 2);
    expect(ranBy).toEqual(['first', 'second']);
    end.abort();
  });

  it('runs lower ranks first, and older jobs of equal rank', async () => {
    const { enqueue } = producer();
    const [last, third, second, first] = [due({ rank: 1_000 }), due({ rank: 2 }), due({ rank: 1 }), due()];
    const fourth = due({ rank: 2 });
    for (const one of [last, third, second, first, fourth]) await enqueue('deliver', [one]);
    const seen: string[] = [];
    const opened = openConsumer(connection, {
      queue: 'deliver',
      concurrency: 1,
      log: silent,
      handle({ id }) {
        seen.push(id);
        return Promise.resolve(completed);
      },
    });
    undo.push(() => opened.stop({ graceMs: 0 }));
    opened.start();
    await waitFor(() => seen.length === 5);
    expect(seen).toEqual([first, second, third, fourth, last].map(({ id }) => id));
  });

  it('never runs a delayed job early', async () => {
    const { enqueue } = producer();
    const lateMs: number[] = [];
    let dueAt = 0;
    consumer('retry', () => {
      lateMs.push(Date.now() - dueAt);
      return Promise.resolve(completed);
    });
    for (let count = 1; count <= 3; count += 1) {
      dueAt = Date.now() + 400;
      await enqueue('retry', [due({ delayMs: 400 })]);
      await waitFor(() => lateMs.length === count);
    }
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(-1);
  });

  it('removes a dropped job, so that its id is free again', async () => {
    const { enqueue, metrics } = producer();
    let runs = 0;
    consumer('deliver', () => {
      runs += 1;
      return Promise.resolve({ end: 'dropped' });
    });
    const one = due();
    for (const expected of [1, 2]) {
      await enqueue('deliver', [one]);
      await waitFor(() => runs === expected);
      await waitFor(async () => (await metrics()).deliver.active === 0);
    }
  });

  it('regression: a raised concurrency starts more jobs at once, even if no running job ends', async () => {
    const { enqueue } = producer();
    let inFlight = 0;
    const opened = consumer('deliver', (_, signal) => {
      inFlight += 1;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(completed)));
    });
    await enqueue(
      'deliver',
      Array.from({ length: 30 }, () => due()),
    );
    await waitFor(() => inFlight === 10);
    await pause(200); // it has looked for more jobs, and sleeps
    expect(inFlight).toBe(10);
    for (const concurrency of [20, 25]) {
      opened.setConcurrency(concurrency);
      await waitFor(() => inFlight === concurrency);
    }
  });

  it('regression: the first of many jobs starts when it is fetched, not when every place has one', async () => {
    const { enqueue, metrics } = producer();
    const count = 300;
    await enqueue(
      'deliver',
      Array.from({ length: count }, () => due()),
    );
    const waitingAtFirst: number[] = [];
    let runs = 0;
    consumer(
      'deliver',
      async () => {
        runs += 1;
        if (runs === 1) waitingAtFirst.push((await metrics()).deliver.waiting);
        return completed;
      },
      count,
    );
    await waitFor(() => runs === count);
    expect(waitingAtFirst[0]).toBeGreaterThan(count / 2);
  });

  it('keeps a failed job with its reason', async () => {
    const { enqueue, queues } = producer();
    consumer('deliver', () => Promise.resolve({ end: 'failed', reason: 'http_error 500, no attempt left' }));
    await enqueue('deliver', [due()]);
    const [job] = await waitFor(async () => {
      const failed = await queues.deliver[0].getFailed();
      return failed.length === 1 && failed;
    });
    expect(job?.failedReason).toBe('http_error 500, no attempt left');
  });

  it('runs a postponed job again later', async () => {
    const { enqueue } = producer();
    const times: number[] = [];
    consumer('deliver', () => {
      times.push(Date.now());
      return Promise.resolve(times.length === 1 ? { end: 'postponed', inMs: 300 } : completed);
    });
    await enqueue('deliver', [due()]);
    await waitFor(() => times.length === 2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(299);
  });

  it('distinguishes a job retried in Bull Board from postponed, returned and lost ones; a job longer than its lock runs once', async () => {
    const { enqueue, queues, metrics } = producer();
    const runs = new Map<string, boolean[]>();
    const run = ({ id, isManualRetry }: DueJob): number =>
      runs.set(id, [...(runs.get(id) ?? []), isManualRetry]).get(id)?.length ?? 0;
    const [plain, broken, late, handed, stalled, long] = [due(), due(), due(), due(), due(), due()];
    const together = [due({ leasedUntil: 1 }), due({ leasedUntil: 1 })];
    const first = consumer('deliver', (job, signal) => {
      const count = run(job);
      if (job.id === broken.id) return Promise.resolve({ end: 'failed', reason: 'no' });
      if (job.id === late.id && count === 1) return Promise.resolve({ end: 'postponed', inMs: 10 });
      if (job.id === handed.id)
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('away'))));
      if (job.id === stalled.id || job.id === together[0]?.id) return new Promise(() => {}); // until its lock expires
      return Promise.resolve(completed);
    });
    await enqueue('deliver', [plain, broken, late, handed, stalled, ...together]);
    const kept = (state: 'completed' | 'failed', one: Due) =>
      waitFor(async () => (await queues.deliver[0].getJobs(state)).find(({ id }) => id === toJobId('deliver', one)));
    await (await kept('completed', plain)).retry('completed');
    await (await kept('failed', broken)).retry('failed');
    await kept('completed', late);
    await waitFor(() => runs.get(plain.id)?.length === 2 && runs.get(broken.id)?.length === 2);
    await waitFor(async () => (await metrics()).deliver.active === 3);
    await first.stop({ graceMs: 0 });
    consumer('deliver', async (job) => {
      run(job);
      if (job.id === long.id) await pause(LONG_MS);
      return completed;
    });
    await enqueue('deliver', [long]);
    for (const { id } of [stalled, ...together]) await waitFor(() => runs.get(id)?.length === 2);
    await enqueue('deliver', [long]); // as the dispatcher does when its lease has ended
    await waitFor(
      async () => (await (await queues.deliver[0].getJob(toJobId('deliver', long)))?.isCompleted()) === true,
      {},
    );
    expect(runs.get(long.id), 'a job longer than its lock keeps the lock').toEqual([false]);
    expect([runs.get(plain.id), runs.get(broken.id)]).toEqual([
      [false, true],
      [false, true],
    ]);
    // On a busy machine a lock may expire once more.
    for (const { id } of [late, handed, stalled, ...together])
      expect(runs.get(id)?.slice(1)).toSatisfy((more: boolean[]) => more.length > 0 && !more.includes(true));
  });

  it('removes a job after a fault of Posthorn, so that the dispatcher can enqueue it again under the same id', async () => {
    const { enqueue, metrics } = producer();
    let runs = 0;
    consumer('deliver', () => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('a bug')) : Promise.resolve(completed);
    });
    const one = due();
    await enqueue('deliver', [one]);
    await waitFor(() => runs === 1);
    await waitFor(async () => (await metrics()).deliver.active === 0);
    expect((await metrics()).deliver).toMatchObject({ failed: 0 });
    await enqueue('deliver', [one]);
    await waitFor(() => runs === 2);
  });

  it('regression: a fault between the work and the queue removes the job, too, since a kept job would block its id', async () => {
    const { enqueue, metrics } = producer();
    let runs = 0;
    consumer('deliver', () => {
      runs += 1;
      // The queue refuses this delay, as it may refuse anything.
      return Promise.resolve(runs === 1 ? { end: 'postponed', inMs: Number.NaN } : completed);
    });
    const one = due();
    // The dispatcher repeats this, and the queue ignores it while it knows the id.
    await waitFor(async () => (await enqueue('deliver', [one])) && runs === 2);
    expect((await metrics()).deliver).toMatchObject({ failed: 0 });
  });

  it('lets work finish within the grace period when stopping; waiting jobs go to another worker', async () => {
    const { enqueue, metrics } = producer();
    let ended = false;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const first = consumer('deliver', async () => {
      await finished;
      ended = true;
      return completed;
    });
    await enqueue('deliver', [due()]);
    await waitFor(async () => (await metrics()).deliver.active === 1);
    const stopping = first.stop({ graceMs: 300_000 });
    finish();
    await stopping;
    expect(ended).toBe(true);
    let count = 0;
    await enqueue('deliver', [due()]);
    consumer('deliver', () => {
      count += 1;
      return Promise.resolve(completed);
    });
    await waitFor(() => count === 1);
  });

  it('aborts work after the grace period; jobs that then throw wait again at once', async () => {
    const { enqueue, metrics } = producer();
    const aborted: unknown[] = [];
    const first = consumer('deliver', async (_due, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborted.push(signal.reason);
      throw new Error('the database is away');
    });
    await enqueue('deliver', [due()]);
    await waitFor(async () => (await metrics()).deliver.active === 1);
    await first.stop({ graceMs: 100 });
    expect(aborted).toHaveLength(1);
    expect((await metrics()).deliver).toMatchObject({ waiting: 1, active: 0 });
  });

  it.runIf(backend === 'redis')('regression: taking a job wakes another worker only if more jobs wait', async () => {
    const { enqueue, queues } = producer();
    const opened = openBackend(connection, { producing: false, onError: () => {} });
    undo.push(() => opened.close());
    const worker = opened.worker('deliver', 0, async () => {}, { autorun: false, concurrency: 2 });
    undo.push(() => worker.close());
    const { Redis } = await import('ioredis');
    const redis = new Redis(connection.url);
    undo.push(async () => redis.disconnect());
    const marker = queues.deliver[0].toKey('marker');
    const isMarked = async () => (await redis.exists(marker)) === 1;
    const take = async () => {
      await redis.del(marker); // a worker that wakes up removes it
      expect(await worker.getNextJob('token', { block: false })).toBeDefined();
    };

    await enqueue('deliver', [due(), due({ rank: 1 }), due({ delayMs: 600_000 })]);
    await take();
    expect(await isMarked()).toBe(true); // a job with a rank waits
    await take();
    expect(await isMarked()).toBe(true); // a worker must learn when the delayed job is due
    await queues.deliver[0].obliterate({ force: true });
    await enqueue('deliver', [due()]);
    await take();
    expect(await isMarked()).toBe(false);
  });

  // Postgres loses nothing.
  if (backend === 'redis') {
    it('reports a flush once, to one caller', async () => {
      const [one, other] = [producer(), producer()];
      await one.check();
      await other.check();
      const ask = async () => [await one.hasForgotten(), await other.hasForgotten()].filter(Boolean).length;
      expect(await ask()).toBe(1); // it is new
      expect(await ask()).toBe(0);
      const { Redis } = await import('ioredis');
      const redis = new Redis(connection.url);
      await redis.flushdb();
      redis.disconnect();
      expect(await ask()).toBe(1);
      expect(await ask()).toBe(0);
    });
  }

  if (backend === 'postgres') {
    it('regression: two processes can enqueue one job concurrently, whatever the default isolation of the database', async () => {
      const database = new pg.Client({ connectionString: connection.url, options: `-c search_path=${DEFAULT_SCHEMA}` });
      await database.connect();
      undo.push(() => database.end());
      const name = new URL(connection.url).pathname.slice(1);
      await database.query(`ALTER DATABASE "${name}" SET default_transaction_isolation = 'repeatable read'`);
      const one = due();
      await database.query('BEGIN');
      await database.query(
        `INSERT INTO job (queue, id, seq, name, state, added_at_ms) VALUES ('deliver', $1, nextval('job_seq'), 'deliver', 'waiting', 0)`,
        [toJobId('deliver', one)],
      );
      const enqueued = producer().enqueue('deliver', [one]);
      await waitFor(async () => {
        const { rowCount } = await database.query(
          'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))',
        );
        return rowCount === 1;
      });
      await database.query('COMMIT');
      expect(await enqueued).toBe(true);
    });
  }

  // Redis expires locks by its own clock.
  if (backend === 'postgres') {
    it('regression: a process with a wrong clock takes no job of others, and loses none of its own', async () => {
      const { enqueue, queues } = producer();
      const database = new pg.Client({ connectionString: connection.url, options: `-c search_path=${DEFAULT_SCHEMA}` });
      await database.connect();
      undo.push(() => database.end());
      const clock = vi.spyOn(Date, 'now');
      undo.push(() => Promise.resolve(clock.mockRestore()));
      const setWrong = (byMs: number) =>
        clock.mockImplementation(() => Math.round(performance.timeOrigin + performance.now() + byMs));
      const [own, others] = [due(), due()];

      setWrong(-90_000);
      let runs = 0;
      const first = consumer('deliver', (_, signal) => {
        runs += 1;
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('away'))));
      });
      await enqueue('deliver', [own]);
      const isLocked = async () => {
        const { rows } = await database.query<{ isLocked: boolean }>(
          `SELECT locked_until_ms > extract(epoch FROM clock_timestamp()) * 1000 AS "isLocked" FROM job WHERE id = $1`,
          [toJobId('deliver', own)],
        );
        return rows[0]?.isLocked ?? false;
      };
      await waitFor(isLocked, { what: 'a lock that is valid for the others, too' });
      expect(runs).toBe(1);
      await first.stop({ graceMs: 0 });

      setWrong(90_000);
      await enqueue('retry', [others]);
      await database.query(
        `UPDATE job SET state = 'active', lock_token = 'another’s', stalled_marked = true,
           locked_until_ms = extract(epoch FROM clock_timestamp()) * 1000 + 20000 WHERE id = $1`,
        [toJobId('retry', others)],
      );
      consumer('retry', () => Promise.resolve(completed));
      const looks = async () =>
        (await database.query(`SELECT FROM meta WHERE queue = 'retry' AND field = 'stalled-check'`)).rowCount === 1;
      await waitFor(looks, { what: 'a check for stalled jobs' });
      expect(await (await queues.retry[0].getJob(toJobId('retry', others)))?.getState()).toBe('active');
    });
  }

  it('regression: a database that refused at startup is used as soon as it responds', async () => {
    const url = new URL(connection.url);
    const proxy = await openProxy({ host: url.hostname, port: Number(url.port) });
    undo.push(() => proxy.close());
    proxy.set('cut');
    url.port = String(proxy.port);
    connection = { ...connection, url: url.href };
    const { enqueue } = producer();
    let runs = 0;
    consumer('deliver', () => {
      runs += 1;
      return Promise.resolve(completed);
    });
    const one = due();
    expect(await enqueue('deliver', [one])).toBe(false);
    proxy.set('pass');
    // The dispatcher repeats this.
    await waitFor(() => enqueue('deliver', [one]));
    await waitFor(() => runs === 1);
  });

  it('checks repeatedly that enqueueing works, and how long it takes', async () => {
    const { check } = producer();
    for (let times = 0; times < 2; times += 1)
      expect(await check()).toEqual({ status: 'ok', latencyMs: expect.any(Number) });
  });
});

describe('a queue that is away', () => {
  it('makes the producer return false within seconds, count the failures and log once', async () => {
    const errors: string[] = [];
    let failures = 0;
    const { enqueue, check, close } = openProducer(
      { backend: 'redis', url: 'redis://127.0.0.1:1' },
      {
        log: { ...silent, error: (_fields, message) => void errors.push(message) },
        onFailure: (_queue, count) => void (failures += count),
      },
    );
    const one = { id: randomUUID(), attemptNumber: 1 };
    expect(
      await Promise.all([enqueue('deliver', [one]), enqueue('retry', [one, { ...one, attemptNumber: 2 }])]),
    ).toEqual([false, false]);
    expect(failures).toBe(3);
    expect(errors).toEqual(['queue.away']);
    expect(await check()).toMatchObject({ status: 'fail' });
    await close();
  });

  it('gets nothing if its certificate is not trusted; the check names the reason (X14)', async () => {
    let received = '';
    const server = createServer(makeCertificate(), (socket) => {
      socket.on('data', (chunk) => (received += chunk.toString()));
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const said: unknown[] = [];
    const { enqueue, check, close } = openProducer(
      { backend: 'redis', url: `rediss://:a-password@localhost:${(server.address() as AddressInfo).port}` },
      { log: { ...silent, error: (fields) => void said.push(fields) } },
    );
    expect(await enqueue('deliver', [{ id: randomUUID(), attemptNumber: 1 }])).toBe(false);
    expect(await check()).toMatchObject({ status: 'fail' });
    expect(said).toMatchObject([{ err: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } }]);
    expect(received).toBe('');
    await close();
    server.close();
  });
});
