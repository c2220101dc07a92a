import { expect, test } from 'vitest';
import { percentiles, summarize } from './statistics.js';

test('computes percentiles as the nearest rank', () => {
  const values = Array.from({ length: 200 }, (_, n) => 200 - n);
  expect(percentiles(values)).toEqual({ p50Ms: 100, p95Ms: 190, p99Ms: 198, maxMs: 200 });
  expect(percentiles([7])).toEqual({ p50Ms: 7, p95Ms: 7, p99Ms: 7, maxMs: 7 });
  expect(percentiles([]).p50Ms).toBeNaN();
});

test.each([
  { values: [30, 10, 20], summary: { median: 20, spread: 0.5 } },
  { values: [10, 20], summary: { median: 15, spread: 1 / 3 } },
  { values: [5, 5, 5], summary: { median: 5, spread: 0 } },
  { values: [-2, -4, -3], summary: { median: -3, spread: 1 / 3 } },
  { values: [null, 8, Number.NaN], summary: { median: 8, spread: 0 } },
  { values: [null, null], summary: null },
])('summarizes repetitions $values as their median and half their range', ({ values, summary }) => {
  expect(summarize(values)).toEqual(summary);
});
