import { describe, expect, it } from 'vitest';
import { openSink } from './open-sink.js';
import { planOf, toDrain, toListenAddress, toRate } from './limits.js';
import { percentiles } from './percentiles.js';
import { publishSteadily } from './publish-steadily.js';
import { costOf, parseCpu } from './read-cpu.js';
import { openTally } from './tally.js';

describe('options', () => {
  it('bounds each number and all deliveries together', () => {
    expect(toRate('2000')).toBe(2_000);
    expect(() => toRate('2001')).toThrow('from 1 to 2,000');
    expect(() => toRate('1e3')).toThrow('whole number');
    expect(() => toDrain('11m')).toThrow('from 1s to 10m');
    expect(() => planOf({ rate: 2_000, seconds: 600 })).toThrow('1,200,000 deliveries');
    expect(planOf({})).toMatchObject({ rate: 50, seconds: 30, subscriptions: 1 });
  });

  it('reads addresses of both families', () => {
    expect(toListenAddress('0.0.0.0:8099')).toEqual({ host: '0.0.0.0', port: 8_099 });
    expect(toListenAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
    for (const wrong of ['8099', 'a:b', 'a:70000']) expect(() => toListenAddress(wrong)).toThrow('address');
  });
});

describe('tally', () => {
  it('counts each delivery once, whichever of its response and its arrival comes first', () => {
    const tally = openTally(2);
    tally.received('evt_1', 0, 7); // before the 202
    tally.accepted('evt_1', 5);
    tally.accepted('evt_2', 6);
    tally.received('evt_1', 1, 9);
    tally.received('evt_1', 1, 12);
    expect(tally.backlog()).toBe(2);
    expect(tally.report()).toEqual({
      acceptedEvents: 2,
      delivered: 2,
      missing: 2,
      duplicates: 1,
      unacknowledged: 0,
      latency: { p50Ms: 2, p95Ms: 4, p99Ms: 4, maxMs: 4 },
      lastArrivalMs: 9,
    });
  });

  it('does not count an arrival of an event without a 202 as delivered', () => {
    const tally = openTally(1);
    tally.received('evt_1', 0, 1);
    expect(tally.report()).toMatchObject({ delivered: 0, missing: 0, unacknowledged: 1, latency: null });
  });
});

it('percentiles are existing values', () => {
  expect(percentiles([])).toBeNull();
  expect(percentiles(Array.from({ length: 100 }, (_, n) => 100 - n))).toEqual({
    p50Ms: 50,
    p95Ms: 95,
    p99Ms: 99,
    maxMs: 100,
  });
});

describe('publishing', () => {
  const load = (given: { total: number; endAt?: number; perCallMs: number }) => {
    let nowMs = 0;
    let published = 0;
    const result = publishSteadily({
      rate: 100,
      total: given.total,
      publish: async () => void (published += 1),
      shouldEnd: () => (published === given.endAt ? 'backlog' : null),
      onProgress: () => {},
      now: () => (nowMs += given.perCallMs),
    });
    return result.then((one) => ({ ...one, published }));
  };

  it('publishes what is due at the rate', async () => {
    expect(await load({ total: 50, perCallMs: 10 })).toMatchObject({ ending: 'finished', started: 50, published: 50 });
  });

  it('ends when the backlog passes its bound', async () => {
    expect(await load({ total: 50, endAt: 7, perCallMs: 10 })).toMatchObject({ ending: 'backlog', started: 7 });
  });

  it('has at most 256 requests at once, and says that it fell behind', async () => {
    const waiting = new Set<() => void>();
    let most = 0;
    let nowMs = 0;
    const result = await publishSteadily({
      rate: 1_000,
      total: 600,
      publish: () =>
        new Promise((resolve) => {
          const end = () => {
            waiting.delete(end);
            resolve();
          };
          waiting.add(end);
          most = Math.max(most, waiting.size);
          if (waiting.size === 600 - 2 * 256) setImmediate(() => waiting.forEach((one) => one()));
        }),
      shouldEnd: () => null,
      onProgress: () => waiting.forEach((end) => end()),
      now: () => (nowMs += 1_000),
    });
    expect([most, result.started, result.fellBehind]).toEqual([256, 600, true]);
  });
});

describe('CPU', () => {
  const metrics = (cpu: number, start = 1_764_500_000) =>
    `process_cpu_seconds_total ${cpu}\nprocess_start_time_seconds ${start}\nposthorn_build_info{version="0.1.0",node="v22",app="api"} 1\n`;

  it('is divided by the deliveries', () => {
    const cost = costOf(parseCpu('u', metrics(1)), parseCpu('u', metrics(1.2)), 1_000);
    expect(cost).toEqual({ url: 'u', app: 'api', usPerDelivery: 200, perSecond: 3_000 });
  });

  it('is that of a worker if the process has its metrics', () => {
    const worker = metrics(1).replace(/^posthorn_build_info.*$/m, 'posthorn_worker_concurrency{queue="deliver"} 256');
    expect(parseCpu('u', worker)).toMatchObject({ app: 'worker' });
  });

  it('is not computed from two processes, or without metrics', () => {
    expect(costOf(parseCpu('u', metrics(1)), parseCpu('u', metrics(2, 1_764_500_001)), 10)).toContain('same process');
    expect(parseCpu('u', 'no metrics')).toBe('u has no CPU time of a process.');
  });
});

it('the sink passes the handshake, reports events, and is a 404 for everyone who does not know its path', async () => {
  const seen: [string, number][] = [];
  const sink = await openSink({ host: '127.0.0.1', port: 0 }, (...one) => void seen.push(one));
  const post = (path: string, body: string, headers = { 'webhook-id': 'evt_1' }) =>
    fetch(sink.origin + path, { method: 'POST', body, headers });
  const handshake = await post(sink.pathOf(3), '{"event":"webhook:verify","payload":"ABC234"}');
  expect([handshake.status, await handshake.text(), seen]).toEqual([200, 'ABC234', []]);
  expect((await post(sink.pathOf(3), '{"event":"a","payload":{}}')).status).toBe(200);
  expect((await post('/abc/3', '{}')).status).toBe(404);
  expect(seen).toEqual([['evt_1', 3]]);
  await sink.close();
});
