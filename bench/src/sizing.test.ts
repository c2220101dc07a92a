import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withSizing } from './render-sizing.js';
import type { RunResult } from './save-result.js';
import { type Cost, readCost, sizeFor } from './sizing.js';

const root = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
const COST: Cost = {
  allUs: [
    { perSecond: 50, us: 4_000 },
    { perSecond: 1_000, us: 1_500 },
    { perSecond: Number.POSITIVE_INFINITY, us: 400 },
  ],
  postgresUs: 100,
  redisUs: 20,
  walBytes: 1_476,
  deliveryBytes: 400,
  eventBytes: 1_100,
  jobBytes: 1_000,
};

it('docs/sizing.md has the sizes of the measured costs: npm run docs -w @posthorn/bench writes it', () => {
  const result = 'bench/results/full.json';
  const full = existsSync(new URL(result, root)) ? (JSON.parse(read(result)) as RunResult) : null;
  const page = read('docs/sizing.md');
  expect(page).toBe(withSizing(page, readCost({ full, performance: read('docs/performance.md') })));
});

describe('sizeFor', () => {
  it('uses the cost that was measured at the load, or at the next lower one', () => {
    expect([50, 100, 999, 1_000, 9_999, 10_000, 100_000].map((rate) => sizeFor(COST, rate).us)).toEqual([
      4_000, 4_000, 4_000, 1_500, 1_500, 400, 400,
    ]);
  });

  it('multiplies the cost by the load', () => {
    expect(sizeFor(COST, 10_000)).toEqual({
      perSecond: 10_000,
      us: 400,
      cores: 4,
      coresToProvide: 7,
      processes: 5, // 2.8 busy cores at 60 %
      postgresCores: 1,
      redisCores: 0.2,
      walBytesPerSecond: 25_000_000,
      diskBytesPerDay: 1_296_000_000_000,
      connections: 55,
      redisBytes: 255_500_000,
    });
  });

  it('plans two processes of each kind at any load', () => {
    expect(sizeFor(COST, 1)).toMatchObject({ processes: 4, coresToProvide: 1 });
  });
});

describe('readCost', () => {
  const performance = read('docs/performance.md');
  const found = (metrics: Record<string, number>) =>
    Object.fromEntries(Object.entries(metrics).map(([name, median]) => [name, { median, spread: 0 }]));
  const scenarios = (steady: number[]) => [
    {
      scenario: 'flat-out',
      found: { 'one event per request': found({ systemUs: 300, postgresUs: 90, redisUs: 9, walBytes: 3_000 }) },
    },
    { scenario: 'steady', found: Object.fromEntries(steady.map((rate) => [`${rate}/s`, found({ systemUs: rate })])) },
  ];
  const run = (steady: number[]) => ({ scenarios: scenarios(steady) }) as unknown as RunResult;

  it('prefers the last full run', () => {
    const cost = readCost({ full: run([50, 200, 1_000]), performance });
    expect(cost).toMatchObject({ postgresUs: 90, redisUs: 9, jobBytes: expect.any(Number) });
    expect(cost.allUs.map(({ us }) => us)).toEqual([50, 200, 1_000, 300]);
    expect(cost.walBytes).toBeLessThan(3_000); // without the payload
  });

  it('reads the page if the run lacks a rate, and throws if the page lacks a number', () => {
    expect(readCost({ full: run([50]), performance })).toEqual(readCost({ full: null, performance }));
    expect(() => readCost({ full: null, performance: performance.replace('On disk, a finished', '') })).toThrow(
      'lacks a number',
    );
  });
});
