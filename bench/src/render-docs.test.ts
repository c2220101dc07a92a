import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withBenchmarks } from './render-docs.js';
import type { RunResult } from './save-result.js';
import { scenarios } from './scenarios.js';

const root = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
const RUN: RunResult = {
  at: '2026-11-30T08:00:00.000Z',
  commit: null,
  machine: { cores: 2, cpu: 'Test', memoryGb: 8, node: 'v20.20.2' },
  system: 'Posthorn',
  options: {} as RunResult['options'],
  failed: [],
  scenarios: [
    {
      scenario: 'steady',
      seconds: 1,
      repetitions: {},
      found: { '200/s': { p50Ms: { median: 2.13, spread: 0.04 }, systemUs: { median: 3512, spread: 0 } } },
      goals: [{ what: 'p50 at 200/s, ms', found: 2.13, wanted: { atMost: 5 }, isReached: true }],
    },
  ],
};

it('docs/benchmarks.md has the numbers of the last full run: npm run docs -w @posthorn/bench writes it', () => {
  const page = read('docs/benchmarks.md');
  const result = 'bench/results/full.json';
  const full = existsSync(new URL(result, root)) ? (JSON.parse(read(result)) as RunResult) : null;
  expect(page).toBe(withBenchmarks(page, { full, performance: read('docs/performance.md') }));
});

it('docs/performance.md lists the scenarios that --dialect skips', () => {
  const [, list = ''] =
    /^Scenarios that use Posthorn's own [^:]*: ([^]*?)\.\n\n/m.exec(read('docs/performance.md')) ?? [];
  const skipped = scenarios.filter(({ needsPosthorn }) => needsPosthorn).map(({ name }) => `\`${name}\``);
  expect(list.split(/,\s/).toSorted()).toEqual(skipped.toSorted());
});

it('writes the medians, the spread and the goals of a run', () => {
  const page = withBenchmarks('<!-- benchmarks -->\n<!-- /benchmarks -->', { full: RUN, performance: '' });
  expect(page).toContain('|  | p50 ms |\n|---|---|\n| 200/s | 2.1 ±4% |');
  expect(page).toContain('| per delivery | all µs |\n|---|---|\n| 200/s | 3512 |');
  expect(page).toContain('| p50 at 200/s, ms | ≤ 5 | 2.13 | reached |');
});

it('throws for a page without the markers', () => {
  expect(() => withBenchmarks('# Benchmarks', { full: RUN, performance: '' })).toThrow(/<!-- benchmarks -->/);
});
